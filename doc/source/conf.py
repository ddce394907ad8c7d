"""How Sphinx makes caso's documentation; nothing is fetched while it does."""

from configparser import ConfigParser
from pathlib import Path

from caso import __version__

ROOT = Path(__file__).parents[2]

metadata = ConfigParser()
metadata.read(ROOT / "setup.cfg")

project = "caso"
author = metadata["metadata"]["author"]
copyright = author
release = version = __version__

needs_sphinx = "8.1"
# Lists every option, from list_opts(), on the page about the configuration.
extensions = ["oslo_config.sphinxext"]
nitpicky = True
# Tables that a page includes.
exclude_patterns = ["bench/*"]

# furo: one column that also reads well on a telephone, light and dark, no files from elsewhere, kept up by the
# people who keep up pip.
html_theme = "furo"
html_title = f"caso {release}"
html_copy_source = False
html_show_sphinx = False

man_pages = [
    ("man/caso-doctor", "caso-doctor", "examine a site before and while caso runs on it", author, 1),
    ("man/caso-extract", "caso-extract", "account for what an OpenStack cloud's projects used", author, 1),
    ("man/caso-collect", "caso-collect", "keep what OpenStack's services notify of servers and volumes", author, 1),
    ("man/caso-almanach-import", "caso-almanach-import", "move in what Almanach's database knows", author, 1),
    ("man/caso-projects", "caso-projects", "show the projects that caso accounts for", author, 1),
    ("man/caso-explain", "caso-explain", "say why a server's or volume's numbers are what they are", author, 1),
    ("man/caso-reconcile", "caso-reconcile", "hold the ledger against Nova's own usage", author, 1),
    ("man/caso-ledger", "caso-ledger", "show what became of records, and send them again", author, 1),
    ("man/caso-api", "caso-api", "answer what is known of servers and volumes, as Almanach did", author, 1),
    ("man/caso-mapping-migrate", "caso-mapping-migrate", "write VOs of the mapping file to Keystone", author, 1),
]
