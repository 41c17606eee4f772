#!/usr/bin/env python3
"""Prints a manual page, duplexd.1 or duplexd.yaml.5: manual.py PROGRAM DATE PAGE.

What it says comes from the program (`help`, `schema --markdown`) and from README.md (the exit codes), so it cannot become stale.
"""
import pathlib
import re
import subprocess
import sys

README = pathlib.Path(__file__).resolve().parents[2] / "README.md"


def escaped(text):
    """The text itself: nothing in it means anything to roff."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("…", "...").replace("`", "\\(ga").replace("'", "\\(aq")
    return text.replace("ⁿ", "^n").replace("^", "\\(ha").replace("~", "\\(ti")


def inline(markdown):
    """One paragraph of Markdown: code and strong text are bold, emphasis is italic, links are their text."""
    markdown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(markdown.split()))
    roff = ""
    for part in re.split(r"(``.*?``|`[^`]*`|\*\*.*?\*\*|\*[^*\s][^*]*\*)", markdown):
        if part.startswith("`"):
            roff += rf"\fB{escaped(part.strip('`'))}\fR"
        elif part.startswith("**") and len(part) > 4:
            roff += rf"\fB{escaped(part[2:-2])}\fR"
        elif part.startswith("*") and len(part) > 2:
            roff += rf"\fI{escaped(part[1:-1])}\fR"
        else:
            roff += escaped(part)
    return roff


def item(tag, text):
    return [".TP", tag, text or r"\ "]


def cells(row):
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", row.strip().strip("|"))]


def table(rows):
    """Two columns are a list of terms; four are fields: name, type, default, description."""
    lines = []
    for row in map(cells, rows[2:]):
        if len(row) == 4:
            default = f", default {inline(row[2])}" if row[2] else ""
            lines += item(f"{inline(row[0])} ({inline(row[1])}{default})", inline(row[3]))
        else:
            lines += item(inline(row[0]), inline(" ".join(row[1:])))
    return lines


def blocks_of(markdown):
    """The text in pieces: code between fences, and what stands between empty lines."""
    for index, part in enumerate(re.split(r"^```\w*\n(.*?)^```\n", markdown, flags=re.M | re.S)):
        if index % 2:
            yield "code", part
        else:
            yield from (("text", block) for block in re.split(r"\n{2,}", part.strip("\n")) if block.strip())


def page_of(markdown):
    """Markdown as this project writes it, as the body of a manual page."""
    lines = []
    for kind, block in blocks_of(re.sub(r"<!--.*?-->", "", markdown, flags=re.S)):
        if kind == "code":
            lines += [".PP", ".RS 4", ".EX", *(rf"\&{escaped(line)}" for line in block.splitlines()), ".EE", ".RE"]
        elif block.startswith("## "):
            lines += [f".SH {escaped(block[3:]).upper()}"]
        elif block.startswith("|"):
            lines += table(block.splitlines())
        elif not block.startswith("# "):
            lines += [".PP", rf"\&{inline(block)}"]
    return [line for index, line in enumerate(lines)  # the heading starts a paragraph
            if not (line == ".PP" and index and lines[index - 1].startswith(".SH"))]


def options_of(help_text):
    """(names, text) of each argument in what --help prints, by the heading they stand under."""
    groups, group = {}, None
    for line in help_text.splitlines():
        # The text begins in column 31: names that reach to the one before it have a single space behind them.
        line = re.sub(r"^(  -.* Needs: \S+(?<=^.{29})) (?=\S)", r"\1  ", line)
        if found := re.fullmatch(r"(\w+):", line):
            group = groups.setdefault(found[1], [])
        elif (found := re.fullmatch(r"  (\S.*?)(?:  +(.*))?", line)) and group is not None:
            group.append([found[1], found[2] or ""])
        elif line.startswith(" " * 20) and group:
            group[-1][1] = f"{group[-1][1]} {line.strip()}".strip()
    return groups


def argument(names, text):
    """'-c,--config TEXT Needs: --key' or 'FILE TEXT', and what it means."""
    names, _, needs = names.partition(" Needs: ")
    names, _, excludes = names.partition(" Excludes: ")
    first, _, value = names.partition(" ")
    if first.startswith("-"):
        tag = ", ".join(rf"\fB{escaped(name)}\fR" for name in first.split(","))
        if value:
            tag += rf" \fI{escaped(value.partition(':')[0])}\fR"
    else:
        tag = rf"\fI{escaped(first)}\fR"
    text = escaped(text)
    if needs:
        text += f". Only with {escaped(needs)}"
    if excludes:
        text += f". Not with {escaped(excludes.replace(' ', ', '))}"
    return item(tag, text + ".")


def commands_page(output, readme):
    about = output("help")
    summary = about.splitlines()[0]
    top = options_of(about)
    lines = [".SH NAME", r"duplexd \- keeps WebSocket client sessions running", ".SH SYNOPSIS"]
    body = []
    for name, _ in top["Subcommands"]:
        help_text = output("help", name)
        usage = re.search(r"^Usage: duplexd (\S+)(.*)$", help_text, re.M)
        lines += [rf"\fBduplexd {usage[1]}\fR{escaped(usage[2])}", ".br"]
        body += [f".SS {name}", escaped(help_text.splitlines()[0]) + "."]
        arguments = options_of(help_text)
        for names, text in arguments.get("Positionals", []) + arguments.get("Options", []):
            if not names.startswith("-h,"):
                body += argument(names, text)
    lines = lines[:-1] + [".SH DESCRIPTION", escaped(summary), ".PP",
                          r"The file is described in \fBduplexd.yaml\fR(5)."]
    lines += [".SH OPTIONS"]
    for names, text in top["Options"]:
        lines += argument(names, text)
    lines += [".SH COMMANDS", *body]
    codes = re.search(r"^## Exit codes\n(.*?)^## ", readme, re.M | re.S)
    lines += [".SH EXIT STATUS", *page_of(codes[1])]
    lines += [".SH FILES"]
    for path, text in (("/etc/duplexd/duplexd.yaml", "What duplexd.service runs."),
                       ("/etc/duplexd/NAME.yaml", "What duplexd@NAME.service runs."),
                       ("/etc/duplexd/credentials/", "Secrets: the file NAME is ${credential:duplexd_NAME}."),
                       ("/var/lib/duplexd/", "The only place where the services may write."),
                       ("/run/duplexd/duplexd/control.sock", "Where duplexd status and the others ask duplexd.service.")):
        lines += item(rf"\fI{escaped(path)}\fR", escaped(text))
    return lines + [".SH SEE ALSO", r"\fBduplexd.yaml\fR(5), \fBsystemctl\fR(1), \fBsystemd.exec\fR(5)"]


def configuration_page(output):
    body = page_of(output("schema", "--markdown"))
    return [".SH NAME", r"duplexd.yaml \- configuration of duplexd", ".SH DESCRIPTION", *body[1:], ".SH SEE ALSO",
            r"\fBduplexd\fR(1)"]


def main():
    program, date, page = sys.argv[1:]

    def output(*arguments):
        return subprocess.run([program, *arguments], check=True, capture_output=True, encoding="utf-8").stdout

    name, _, section = page.rpartition(".")
    lines = {
        "duplexd.1": lambda: commands_page(output, README.read_text(encoding="utf-8")),
        "duplexd.yaml.5": lambda: configuration_page(output),
    }[page]()
    head = f'.TH {name.upper()} {section} "{date}" "duplexd {output("version").split()[1]}"'
    sys.stdout.reconfigure(encoding="utf-8")
    print(head, *lines, sep="\n")


if __name__ == "__main__":
    main()
