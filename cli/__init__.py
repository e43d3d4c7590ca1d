"""The command line of brainsim: one file is one command. Installed as `brainsim_cli`, loaded as `brainsim`."""
