"""Recordings that come with brainsim; `made.md` tells how each was made."""
