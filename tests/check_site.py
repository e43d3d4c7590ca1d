"""Check a built documentation site: ``python tests/check_site.py build/site``: links, addresses outside, size."""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

LARGEST = 30 * 2**20
FETCHED = {("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src"), ("source", "src")}


class Links(HTMLParser):
    """What a page links to, fetches, and which anchors it has."""

    def __init__(self, text):
        super().__init__()
        self.links, self.fetched, self.anchors = [], [], {""}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.anchors |= {given[key] for key in ("id", "name") if given.get(key)}
        for (_, key), value in (((tag, key), value) for key, value in attrs if value):
            if (tag, key) in FETCHED and given.get("rel") not in ("next", "prev", "index", "search", "canonical"):
                self.fetched.append(value)
            elif key in ("href", "src"):
                self.links.append(value)


def broken(site):
    """Return what is wrong with a site, one sentence each."""
    files = [path for path in sorted(site.rglob("*.html")) if "_static" not in path.parts]
    pages = {path.resolve(): Links(path.read_text(encoding="utf-8")) for path in files}
    wrong = [] if pages else [f"there are no pages in {site}"]
    for path, page in pages.items():
        wrong += [f"{path.name} fetches {each}" for each in page.fetched if urlsplit(each).scheme in ("http", "https")]
        for link in page.links + page.fetched:
            if urlsplit(link).scheme or link.startswith("//"):
                continue
            to, anchor = urldefrag(link)
            target = (path.parent / unquote(to.split("?")[0])).resolve() if to else path
            target = target / "index.html" if target.is_dir() else target
            if not target.exists():
                wrong.append(f"{path.name} links to {link}: there is no such file")
            elif anchor and target in pages and unquote(anchor) not in pages[target].anchors:
                wrong.append(f"{path.name} links to {link}: there is no such place")
    size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    if size > LARGEST:
        wrong.append(f"the site has {size / 2**20:.1f} MiB, more than {LARGEST / 2**20:.0f}")
    return wrong


if __name__ == "__main__":
    found = broken(Path(sys.argv[1]))
    print("\n".join(found) or f"{sys.argv[1]}: every link leads somewhere, nothing is fetched from elsewhere")
    sys.exit(bool(found))
