from definitions.diagnostics import Diagnostic, Note, Span, has_errors, in_order
from definitions.rendering import render_text, width_of

FILE = "a.yaml"


def finding(span: Span | None, *notes: Note, message: str = "wrong", help_: str | None = None) -> Diagnostic:
    return Diagnostic("some-code", "error", message, FILE, span, notes, help_)


def lines_of(diagnostic: Diagnostic, source: str, *, color: bool = False) -> list[str]:
    return render_text([diagnostic], {FILE: source}, color=color).split("\n")


def test_text_looks_as_agreed_when_it_has_all_parts():
    source = "x\n" * 9 + "    command: cp {{ biuld }}\n"
    shown = render_text([finding(Span(10, 20, 10, 25), help_="did you mean `build`?")], {FILE: source}, color=False)
    assert shown == (
        "error[some-code]: wrong\n"
        "  --> a.yaml:10:20\n"
        "   |\n"
        "10 |     command: cp {{ biuld }}\n"
        "   |                    ^^^^^\n"
        "   = help: did you mean `build`?\n"
        "   = docs: perdure explain some-code\n"
    )


def test_caret_stands_under_the_token_when_characters_are_wide():
    lines = lines_of(finding(Span(1, 5, 1, 8)), "日本é wrong"[:3] + " xyz")
    assert lines[4] == "  | " + " " * 6 + "^^^"


def test_caret_is_wide_when_the_token_is():
    assert lines_of(finding(Span(1, 1, 1, 3)), "日本")[4] == "  | ^^^^"


def test_caret_stands_under_the_token_when_marks_combine():
    assert lines_of(finding(Span(1, 4, 1, 6)), "e\u0301 ab")[4] == "  |   ^^"


def test_caret_stands_under_the_token_when_tabs_precede():
    lines = lines_of(finding(Span(1, 2, 1, 4)), "\tab")
    assert lines[3:5] == ["1 |     ab", "  |     ^^"]


def test_one_caret_is_shown_when_the_place_is_behind_the_line():
    assert lines_of(finding(Span(1, 3, 1, 4)), "ab")[4] == "  |   ^"


def test_line_is_cut_around_the_caret_when_it_is_long():
    lines = lines_of(finding(Span(1, 5001, 1, 5004)), "a" * 5000 + "xyz" + "b" * 5000)
    assert len(lines[3]) < 250
    column = lines[4].index("^")
    assert lines[3][column : column + 3] == "xyz"


def test_caret_ends_with_the_line_when_the_span_goes_on():
    assert lines_of(finding(Span(1, 2, 3, 1)), "abcd\ne\nf")[4] == "  |  ^^^"


def test_notes_have_places_of_their_own_when_they_have_spans():
    shown = render_text(
        [finding(Span(1, 1, 1, 2), Note("here", Span(12, 1, 12, 2)), Note("by the way"))],
        {FILE: "a\n" * 12},
        color=False,
    )
    assert shown.split("\n")[5:] == [
        "   = note: here",
        "  --> a.yaml:12:1",
        "   |",
        "12 | a",
        "   | ^",
        "   = note: by the way",
        "   = docs: perdure explain some-code",
        "",
    ]


def test_place_is_named_when_there_is_no_source():
    assert render_text([finding(Span(3, 4, 3, 5))], {}, color=False).split("\n")[1:3] == [
        " --> a.yaml:3:4",
        "  = docs: perdure explain some-code",
    ]


def test_file_is_named_when_there_is_no_span():
    assert lines_of(finding(None), "")[1] == " --> a.yaml"


def test_terminal_is_not_steered_when_texts_hold_escapes():
    shown = render_text(
        [finding(Span(1, 1, 1, 2), message="a\x1b[31m\nb\u202e")], {FILE: "\x1b]0;x\x07 \u202e"}, color=False
    )
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "\x07" not in shown


def test_joiners_stay_when_scripts_need_them():
    assert "\u200d" in render_text([finding(None, message="👩\u200d💻")], {}, color=False)
    assert width_of("a\u200db") == 2


def test_colors_are_used_when_asked_for():
    plain = lines_of(finding(Span(1, 1, 1, 2)), "a")
    colored = lines_of(finding(Span(1, 1, 1, 2)), "a", color=True)
    assert colored[0].startswith("\x1b[1m\x1b[31merror[some-code]\x1b[0m")
    assert [line.replace("\x1b", "") for line in plain] == plain


def test_blocks_are_apart_when_there_are_several():
    shown = render_text([finding(None), finding(Span(1, 1, 1, 2))], {FILE: "a"}, color=False)
    assert shown.count("\n\nerror") == 1


def test_nothing_is_shown_when_there_are_no_findings():
    assert render_text([], {}, color=True) == ""


def test_findings_are_ordered_and_once_when_put_together():
    late, early, nowhere = finding(Span(2, 1, 2, 2)), finding(Span(1, 5, 1, 6)), finding(None)
    assert in_order([late, early, nowhere, late]) == (nowhere, early, late)


def test_only_errors_forbid_a_start_when_there_are_warnings():
    warning = Diagnostic("c", "warning", "m", FILE)
    assert not has_errors([warning])
    assert has_errors([warning, finding(None)])


def test_severity_has_a_colour_of_its_own_when_shown():
    colours = {
        severity: render_text([Diagnostic("c", severity, "m", FILE)], {}, color=True).split("c")[0]
        for severity in ("error", "warning", "lint")
    }
    assert len(set(colours.values())) == 3
