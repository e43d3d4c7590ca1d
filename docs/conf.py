"""The documentation site: ``make docs`` builds it, warnings are errors; tutorials are run (and cached) meanwhile."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # tutorials run `brainsim`
os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")

import catalogue  # noqa: E402
import notebook_output  # noqa: E402

import brainsim  # noqa: E402

catalogue.write(HERE / "generated")
catalogue.forget(HERE / "api")
notebook_output.prepare(HERE.parent / "build" / "ipython")

project, author, version = "brainsim", "the brainsim authors", brainsim.__version__
copyright = author
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
exclude_patterns = ["build", "**/.ipynb_checkpoints"]
suppress_warnings = ["mystnb.unknown_mime_type", "ref.python"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
myst_links_external_new_tab = False
nb_execution_mode = os.environ.get("BRAINSIM_DOCS_EXECUTE", "cache")
nb_execution_cache_path = str(HERE.parent / "build" / "notebooks")
nb_execution_in_temp = True
nb_execution_timeout = 900
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_merge_streams = True

autosummary_generate = True
autodoc_member_order = "bysource"
autodoc_default_options = {"ignore-module-all": True}
napoleon_use_ivar = True
napoleon_attr_annotations = False
autodoc_typehints = "signature"
napoleon_google_docstring = False
napoleon_use_rtype = False
default_role = "literal"

templates_path = ["_templates"]
html_theme = "pydata_sphinx_theme"
html_title = "brainsim"
html_context = {"default_mode": "auto"}
html_static_path = ["_static"]
html_css_files = ["brainsim.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_theme_options = {
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "navigation_with_keys": False,
}


def foreign(app: object, what: str, name: str, obj: object, skip: bool, options: object) -> bool | None:
    """Leave out what scikit-learn puts into every estimator (metadata routing)."""
    return True if name == "get_metadata_routing" or (name.startswith("set_") and name.endswith("_request")) else None


def readable(app: object, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Show equations (indented in the docstring of a module) as they stand; a bar is a bar, a lone star a star."""
    shown: list[str] = []
    literal = False
    for line in lines:
        indented = line.startswith("    ") or not line
        if what == "module" and line.startswith("    ") and not literal and shown and not shown[-1]:
            shown += ["::", ""]
            literal = True
        literal = literal and indented
        plain = line.replace("|", "\\|").replace("*", "\\*" if line.count("*") == 1 else "*")
        shown.append(line if literal or "`" in line else plain)
    lines[:] = shown


def setup(app) -> None:  # noqa: ANN001 - sphinx is imported by those who build the site alone
    """Connect what is above."""
    app.connect("autodoc-skip-member", foreign)
    app.connect("autodoc-process-docstring", readable)
