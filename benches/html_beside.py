#!/usr/bin/env python3
"""HTML mails side by side in tidings, w3m and lynx: which words and links each loses, and which hidden words it shows.

    benches/html_beside.py target/release/tidings tests/mails/corpus > table.md

Of each mail with HTML the HTML alone is given to all three, as UTF-8, for 80 columns. What is there to be seen is
what an independent reading of the HTML says (Python's html.parser): words of its text and of the alternative
texts of its pictures, without scripts, styles, titles, and what styles or attributes hide, or what is white where
nothing has a colour behind it; and where its links lead that hold something to be seen.
"""
import email, email.policy, html.parser, pathlib, re, subprocess, sys, tempfile, urllib.parse

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
NOT_TEXT = {"script", "style", "title", "head", "noscript", "template", "object"}
HIDES = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(px|pt|em)?\s*(;|$)|mso-hide\s*:\s*all", re.I)
WHITE = re.compile(r"\s*(#?fff(fff)?|white)\s*$", re.I)
WHITE_STYLE = re.compile(r"(^|;)\s*color\s*:\s*(#fff(fff)?|white)\s*(;|$)", re.I)
LINK = re.compile(r"(https?://[^/\s]|mailto:.)", re.I)


class Reading(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.stack, self.seen, self.hidden = [], [], []
        self.links, self.open_link, self.has_ground = [], None, False

    def out(self, text):
        (self.hidden if any(hides for _, hides in self.stack) else self.seen).append(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        style = attrs.get("style") or ""
        self.has_ground |= "bgcolor" in attrs or "background" in attrs or "background" in style
        is_white = WHITE.match(attrs.get("color") or "") or WHITE_STYLE.search(style)
        hides = tag in NOT_TEXT or "hidden" in attrs or bool(HIDES.search(style)) or bool(is_white and not self.has_ground)
        if tag == "a" and LINK.match((attrs.get("href") or "").strip()):
            self.open_link = attrs["href"].strip()
        if tag == "img" and not hides:
            self.follow()
        if tag == "img" and attrs.get("alt") and not hides:
            self.out(" " + attrs["alt"] + " ")
        if tag not in VOID:
            if tag in ("body",):
                self.stack = [entry for entry in self.stack if entry[0] not in ("head", "title", "style")]
            self.stack.append((tag, hides if tag not in ("head",) else True))
        if tag in ("br", "p", "div", "td", "th", "tr", "li", "hr", "h1", "h2", "h3", "h4", "table"):
            self.out("\n")

    def follow(self):
        # What can be followed is a link: one that holds nothing is none.
        if self.open_link and self.open_link not in self.links and not any(hides for _, hides in self.stack):
            self.links.append(self.open_link)

    def handle_endtag(self, tag):
        if tag == "a":
            self.open_link = None
        for place in range(len(self.stack) - 1, -1, -1):
            if self.stack[place][0] == tag:
                del self.stack[place:]
                break
        if tag in ("p", "div", "td", "th", "tr", "li", "h1", "h2", "h3", "h4", "table"):
            self.out("\n")

    def handle_data(self, data):
        if data.strip():
            self.follow()
        self.out(data)


def words(text):
    return [word for word in re.findall(r"[^\W_]{3,}", text.lower())]


def squeezed(text):
    # Renderers break words and put marks between letters of links: only letters count.
    return re.sub(r"[\W_]+", "", text.lower())


def html_of(path):
    mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    for part in mail.walk():
        if part.get_content_type() == "text/html" and part.get_content_disposition() != "attachment":
            try:
                return part.get_content()
            except Exception:
                raw = part.get_payload(decode=True)
                return raw.decode("utf-8", "replace") if raw else None
    return None


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for path in sorted(folder.glob("*/*.eml")):
            try:
                text = html_of(path)
            except Exception:
                continue
            if not text:
                continue
            reading = Reading()
            try:
                reading.feed(text)
            except Exception:
                continue
            seen = words("".join(reading.seen))
            hidden = set(words("".join(reading.hidden))) - set(seen)
            if len(seen) < 10:
                continue
            text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            mail = pathlib.Path(scratch) / "m.eml"
            page = pathlib.Path(scratch) / "m.html"
            mail.write_text("Subject: x\nMIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n" + text)
            page.write_text(text)
            shown = {
                "tidings": [program, "show", "--file", str(mail)],
                "w3m": ["w3m", "-dump", "-o", "display_link_number=1", "-I", "UTF-8", "-O", "UTF-8", "-T", "text/html", "-cols", "80", str(page)],
                "lynx": ["lynx", "-dump", "-force_html", "-assume_charset=utf-8", "-display_charset=utf-8", "-width=80", str(page)],
            }
            row = [str(path.relative_to(folder)), len(seen), len(reading.links)]
            for name, command in shown.items():
                got = subprocess.run(command, capture_output=True, timeout=60).stdout.decode("utf-8", "replace")
                letters = squeezed(got)
                lost = [word for word in dict.fromkeys(seen) if squeezed(word) not in letters]
                leaked = [word for word in hidden if len(word) > 4 and squeezed(word) in letters]
                wide = sum(len(line) > 81 for line in got.splitlines())
                # Once decoded: `%20` and a space, `&` and its entity are the same place.
                unlinked = [link for link in reading.links if squeezed(urllib.parse.unquote(link)) not in squeezed(urllib.parse.unquote(got))]
                row += [lost, leaked, wide, unlinked]
            rows.append(row)
    names = ["tidings", "w3m", "lynx"]
    print("| Mail | words | links |" + "".join(f" {what} {' | '.join(names)} |" for what in ["words lost:", "links lost:", "hidden shown:", "lines over 80:"]))
    print("| --- " * 15 + "|")
    total = [0] * 12
    for name, count, links, *cells in rows:
        lost, leaked, wide, unlinked = (cells[place::4] for place in range(4))
        numbers = [len(x) for x in lost] + [len(x) for x in unlinked] + [len(x) for x in leaked] + wide
        total = [a + b for a, b in zip(total, numbers)]
        print(f"| {name} | {count} | {links} | " + " | ".join(map(str, numbers)) + " |")
        for program, words_, links_, hidden_ in zip(names, lost, unlinked, leaked):
            if words_ or links_ or hidden_:
                print("# " + name, program, "lost", words_[:12], "links", links_[:4], "hidden", hidden_[:8], file=sys.stderr)
    print("| **all** | | | " + " | ".join(map(str, total)) + " |")


if __name__ == "__main__":
    main()
