"""Word documents keep their text, numbers, headings and boxes; what is left out is named."""

import pytest

from tests.features.imports.word import noted, paragraph, read, run


def level(at: int, kind: str = "decimal", text: str | None = None, more: str = "") -> str:
    shown = f"%{at + 1}." if text is None else text
    return (
        f'<w:lvl w:ilvl="{at}"><w:start w:val="1"/><w:numFmt w:val="{kind}"/>{more}<w:lvlText w:val="{shown}"/></w:lvl>'
    )


def lists(*levels: str, second: str = "") -> str:
    return (
        f'<w:abstractNum w:abstractNumId="7">{"".join(levels)}</w:abstractNum>'
        f'<w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num>'
        f'<w:num w:numId="2"><w:abstractNumId w:val="7"/>{second}</w:num>'
    )


def item(text: str, at: int = 0, number: int = 1, style: str = "") -> str:
    return paragraph(
        run(text), style=style, more=f'<w:numPr><w:ilvl w:val="{at}"/><w:numId w:val="{number}"/></w:numPr>'
    )


def style(identity: str, name: str, based_on: str = "", look: str = "", kind: str = "paragraph") -> str:
    base = f'<w:basedOn w:val="{based_on}"/>' if based_on else ""
    return f'<w:style w:type="{kind}" w:styleId="{identity}"><w:name w:val="{name}"/>{base}{look}</w:style>'


def test_numbers_go_on_behind_a_paragraph() -> None:
    body = item("one") + item("two") + paragraph(run("between")) + item("three")
    assert read(body, numbering=lists(level(0))) == "1. one\n2. two\n\nbetween\n\n3. three"


def test_a_list_that_begins_again_begins_again() -> None:
    second = '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride>'
    body = item("a") + item("b") + item("a again", number=2) + item("b again", number=2)
    assert read(body, numbering=lists(level(0), second=second)) == "1. a\n2. b\n\n1) a again\n2) b again"
    # Without the order to begin again both lists count as one.
    assert read(body, numbering=lists(level(0))) == "1. a\n2. b\n3. a again\n4. b again"


def test_numbers_of_deeper_levels_begin_again_below_the_next_item() -> None:
    body = item("a") + item("a1", 1) + item("a2", 1) + item("b") + item("b1", 1) + paragraph(run("x")) + item("c")
    expected = "1. a\n   1. a1\n   2. a2\n2. b\n   1. b1\n\nx\n\n3. c"
    assert read(body, numbering=lists(level(0), level(1))) == expected
    without_restart = lists(level(0), level(1, more='<w:lvlRestart w:val="0"/>'))
    assert "   3. b1" in read(body, numbering=without_restart)


def test_lists_nest_as_deeply_as_words() -> None:
    body = "".join(item(str(at), at) for at in range(9))
    shown = read(body, numbering=lists(*(level(at, "bullet") for at in range(9))))
    assert [line.strip() for line in shown.split("\n")] == [f"- {at}" for at in range(9)]
    assert shown.split("\n")[8].startswith(" " * 16)


def test_lists_by_style_are_lists() -> None:
    numbered = '<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr>'
    styles = style("ListNumber", "List Number", look=numbered) + style("Mine", "My list", "ListNumber")
    body = paragraph(run("one"), style="ListNumber") + paragraph(run("two"), style="Mine")
    assert read(body, styles=styles, numbering=lists(level(0))) == "1. one\n2. two"


def test_numbers_that_markdown_cannot_show_are_noted() -> None:
    told = noted(item("a") + item("b"), numbering=lists(level(0, "lowerLetter", "%1)")))
    assert told == [
        "the numbers of 2 list items became plain ones: they were letters, Roman, or had words or several parts"
    ]
    told = noted(item("a", style="Heading1"), numbering=lists(level(0)), styles=style("Heading1", "heading 1"))
    assert told == ["the automatic numbers of 1 heading left out"]
    assert noted(item("a"), numbering=lists(level(0))) == []
    assert read(item("plain"), numbering=lists(level(0, "none", ""))) == "plain"


def test_a_paragraph_that_is_taken_out_of_its_list_is_in_none() -> None:
    numbered = '<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr>'
    styles = style("ListNumber", "List Number", look=numbered)
    linked = lists(level(0, more='<w:pStyle w:val="ListNumber"/>'))
    body = paragraph(run("one"), style="ListNumber") + item("out", number=0, style="ListNumber")
    assert read(body, styles=styles, numbering=linked) == "1. one\n\nout"


def test_the_text_of_fields_stays() -> None:
    caption = paragraph(run("Figure "), f'<w:fldSimple w:instr=" SEQ Figure ">{run("3")}</w:fldSimple>', run(": Sales"))
    assert read(caption) == "Figure 3: Sales"
    nested = f'<w:fldSimple w:instr="A"><w:fldSimple w:instr="B">{run("inner")}</w:fldSimple></w:fldSimple>'
    assert read(paragraph(nested)) == "inner"


@pytest.mark.parametrize("element", ["w:dir", "w:bdo", "w:unknown", "w14:unknown"])
def test_text_in_elements_that_are_not_known_stays(element: str) -> None:
    assert read(paragraph(run("a "), f"<{element}>{run('b')}</{element}>", run(" c"))) == "a b c"


def test_text_of_fields_stays_in_footnotes_too() -> None:
    note = f'<w:footnote w:id="5">{paragraph("<w:fldSimple>" + run("noted") + "</w:fldSimple>")}</w:footnote>'
    assert "noted" in read(paragraph(run("x"), '<w:r><w:footnoteReference w:id="5"/></w:r>'), footnotes=note)


def test_a_reading_aid_is_left_out_and_its_base_text_stays() -> None:
    ruby = f"<w:r><w:ruby><w:rubyPr/><w:rt>{run('kan')}</w:rt><w:rubyBase>{run('base')}</w:rubyBase></w:ruby></w:r>"
    assert read(paragraph(ruby)) == "base"
    assert noted(paragraph(ruby)) == ["1 reading aid (ruby) left out"]


def m(text: str) -> str:
    return f"<m:r><m:t>{text}</m:t></m:r>"


@pytest.mark.parametrize(
    ("equation", "text"),
    [
        (m("E=m") + f"<m:sSup><m:e>{m('c')}</m:e><m:sup>{m('2')}</m:sup></m:sSup>", "E=mc^2"),
        (f"<m:f><m:num>{m('a+b')}</m:num><m:den>{m('2')}</m:den></m:f>", "(a+b)/2"),
        (f"<m:rad><m:deg/><m:e>{m('x+1')}</m:e></m:rad>", "√(x+1)"),
        (
            '<m:nary><m:naryPr><m:chr m:val="∑"/></m:naryPr>'
            f"<m:sub>{m('i=1')}</m:sub><m:sup>{m('n')}</m:sup><m:e>{m('i')}</m:e></m:nary>",
            "∑_(i=1)^n i",
        ),
        (f"<m:d><m:e>{m('x')}</m:e></m:d>", "(x)"),
        (
            f"<m:m><m:mr><m:e>{m('1')}</m:e><m:e>{m('0')}</m:e></m:mr><m:mr><m:e>{m('0')}</m:e></m:mr></m:m>",
            "[1, 0; 0]",
        ),
        (f"<m:func><m:fName>{m('sin')}</m:fName><m:e>{m('x')}</m:e></m:func>", "sin x"),
    ],
)
def test_equations_become_text(equation: str, text: str) -> None:
    inline = paragraph(run("so "), f"<m:oMath>{equation}</m:oMath>", run(" holds"))
    assert read(inline).replace("\\", "") == f"so {text} holds"
    assert noted(inline) == ["1 equation became text"]
    alone = paragraph(f"<m:oMathPara><m:oMath>{equation}</m:oMath></m:oMathPara>")
    assert read(alone).replace("\\", "") == text


def test_headings_by_styles_that_are_based_on_others_are_headings() -> None:
    styles = (
        style("Heading2", "heading 2")
        + style("Chapter", "Chapter", "Heading2")
        + style("Sub", "Subchapter", "Chapter", "<w:pPr><w:outlineLvl w:val='4'/></w:pPr>")
        + style("Own", "Own", look="<w:pPr><w:outlineLvl w:val='0'/></w:pPr>")
        + style("Toc", "TOC Heading", "Heading2", "<w:pPr><w:outlineLvl w:val='9'/></w:pPr>")
        + style("Deep", "heading 8")
        + style("Loop", "Loop", "Loop")
        + style("Mine", "My title", "Title")
        + style("Title", "Title")
    )
    body = "".join(
        paragraph(run(name), style=name)
        for name in ("Heading2", "Chapter", "Sub", "Own", "Deep", "Loop", "Mine", "Missing")
    )
    body += paragraph(run("direct"), more='<w:outlineLvl w:val="2"/>')
    expected = (
        "## Heading2\n\n## Chapter\n\n##### Sub\n\n# Own\n\n###### Deep\n\nLoop\n\n# Mine\n\nMissing\n\n### direct"
    )
    assert read(body, styles=styles) == expected


def test_bold_and_italic_by_styles_of_characters_stay() -> None:
    styles = (
        style("Emphasis", "Emphasis", look="<w:rPr><w:i/></w:rPr>", kind="character")
        + style("Key", "Key term", "Emphasis", "<w:rPr><w:b/></w:rPr>", kind="character")
        + style("Off", "Off", "Key", "<w:rPr><w:b w:val='0'/></w:rPr>", kind="character")
    )
    body = paragraph(
        run("a", '<w:rStyle w:val="Emphasis"/>'), run(" "), run("b", '<w:rStyle w:val="Key"/>'),
        run(" "), run("c", '<w:rStyle w:val="Off"/>'), run(" "), run("d", '<w:rStyle w:val="Key"/><w:i w:val="0"/>'),
    )  # fmt: skip
    assert read(body, styles=styles) == "*a* ***b*** *c* **d**"


def test_struck_out_and_highlighted_text_stays_so() -> None:
    body = paragraph(run("a", "<w:dstrike/>"), run(" "), run("b", '<w:highlight w:val="yellow"/>'))
    assert read(body) == "~~a~~ <mark>b</mark>"


def box(*, checked: bool) -> str:
    state = f'<w14:checked w14:val="{int(checked)}"/>'
    shown = run("\u2612" if checked else "\u2610")
    return f"<w:sdt><w:sdtPr><w14:checkbox>{state}</w14:checkbox></w:sdtPr><w:sdtContent>{shown}</w:sdtContent></w:sdt>"


def form_box(*, checked: bool) -> str:
    state = f'<w:ffData><w:checkBox><w:checked w:val="{int(checked)}"/></w:checkBox></w:ffData>'
    return (
        f'<w:r><w:fldChar w:fldCharType="begin">{state}</w:fldChar></w:r><w:r><w:instrText>FORMCHECKBOX</w:instrText>'
        '</w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>'
    )


def test_tick_boxes_keep_their_state() -> None:
    body = paragraph(box(checked=True), run(" done")) + paragraph(box(checked=False), run(" to do"))
    assert read(body) == "- [x] done\n- [ ] to do"
    assert read(paragraph(form_box(checked=True), run(" sent"))) == "- [x] sent"
    several = paragraph(run("yes "), box(checked=True), run(" no "), box(checked=False))
    assert read(several) == "yes \u2611 no \u2610"
    assert (
        read(item("x").replace("<w:r>", box(checked=True) + "<w:r>", 1), numbering=lists(level(0, "bullet")))
        == "- [x] x"
    )
    row = f"<w:tbl><w:tr><w:tc>{paragraph(box(checked=True), run('in a cell'))}</w:tc></w:tr></w:tbl>"
    assert "| \u2611 in a cell |" in read(row)


def test_hidden_text_is_left_out_and_noted() -> None:
    body = paragraph(run("shown"), run(" secret", "<w:vanish/>"), run(" again", '<w:vanish w:val="0"/>'))
    assert read(body) == "shown again"
    assert noted(body) == ["1 piece of hidden content left out"]
    styles = style("Hidden", "Hidden", look="<w:rPr><w:vanish/></w:rPr>", kind="character")
    assert read(paragraph(run("a"), run("b", '<w:rStyle w:val="Hidden"/>')), styles=styles) == "a"
    styles = style("Hidden", "Hidden", look="<w:rPr><w:vanish/></w:rPr>")
    assert read(paragraph(run("a")) + paragraph(run("b"), style="Hidden"), styles=styles) == "a"


def test_cells_merged_downwards_and_rows_that_begin_later_keep_their_columns() -> None:
    def cell(text: str, look: str = "") -> str:
        return f"<w:tc><w:tcPr>{look}</w:tcPr>{paragraph(run(text))}</w:tc>"

    begins, goes_on = '<w:vMerge w:val="restart"/>', "<w:vMerge/>"
    rows = [
        cell("place") + cell("year") + cell("value"),
        cell("Oslo", begins) + cell("2024") + cell("1"),
        cell("", goes_on) + cell("2025") + cell("2"),
        '<w:trPr><w:gridBefore w:val="1"/></w:trPr>' + cell("2026") + cell("3"),
    ]
    body = f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in rows)}</w:tbl>"
    assert read(body).split("\n")[2:] == [
        "| place | year | value |",
        "| Oslo | 2024 | 1 |",
        "|  | 2025 | 2 |",
        "|  | 2026 | 3 |",
    ]
    assert "1 merged cell of tables became single cells" in noted(body.replace(rows[3], ""))


def picture(description: str) -> str:
    told = f'<wp:docPr id="1" name="Picture 1" descr="{description}"/>'
    blip = '<pic:pic><pic:blipFill><a:blip r:embed="image"/></pic:blipFill></pic:pic>'
    return f"<w:r>{drawing(blip, told)}</w:r>"


def drawing(inner: str, told: str = "") -> str:
    graphic = f"<a:graphic><a:graphicData>{inner}</a:graphicData></a:graphic>"
    return f"<w:drawing><wp:inline>{told}{graphic}</wp:inline></w:drawing>"


def test_every_loss_is_named() -> None:
    chart = f"<w:r>{drawing('<c:chart/>')}</w:r>"
    body = (
        paragraph(picture("Floor plan"), picture(""))
        + paragraph(chart)
        + paragraph(
            run("x"), '<w:r><w:commentReference w:id="1"/></w:r>', '<w:r><w:sym w:font="Odd" w:char="F041"/></w:r>'
        )
        + paragraph(f"<w:ins>{run('new')}</w:ins>", "<w:del><w:r><w:delText>old</w:delText></w:r></w:del>")
    )
    assert noted(body, header=paragraph(run("Secret plan"))) == [
        "1 comment left out",
        "2 tracked changes taken as accepted",
        "1 chart or diagram left out",
        "1 page header or footer left out",
        "1 symbol of fonts without Unicode left out",
        "2 pictures were left out: Floor plan, without a description",
    ]
    assert noted(paragraph(run("plain")), header=paragraph()) == []
    lost = picture("Floor plan").replace(' r:embed="image"', "")
    assert noted(paragraph(lost)) == ["1 picture that the file lacks left out"]
    assert noted(paragraph(picture("x").replace("<w:r>", "<w:r><w:rPr><w:vanish/></w:rPr>"))) == [
        "1 piece of hidden content left out"
    ]


def test_text_boxes_of_every_version_stay() -> None:
    inner = f"<w:txbxContent>{paragraph(run('boxed'))}</w:txbxContent>"
    new = drawing(f"<wps:wsp><wps:txbx>{inner}</wps:txbx></wps:wsp>")
    assert read(paragraph(run("a"), f"<w:r>{new}</w:r>")) == "a\n\nboxed"
    old = f"<mc:Fallback><w:pict>{inner}</w:pict></mc:Fallback>"
    both = f"<mc:AlternateContent><mc:Choice>{new}</mc:Choice>{old}</mc:AlternateContent>"
    assert read(paragraph(run("a"), f"<w:r>{both}</w:r>")) == "a\n\nboxed"
    newest = f"<mc:AlternateContent><mc:Choice>{new}</mc:Choice></mc:AlternateContent>"
    assert read(paragraph(run("a"), f"<w:r>{newest}</w:r>")) == "a\n\nboxed"


def test_breaks_and_tabs_of_every_kind_stay() -> None:
    body = paragraph("<w:r><w:t>a</w:t><w:cr/><w:t>b</w:t><w:ptab/><w:t>c</w:t></w:r>")
    assert read(body) == "a\\\nb c"
