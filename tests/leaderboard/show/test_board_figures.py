"""Boards as figures: every row is named, nothing overlaps with forty rows, and the same figure is the same file."""

import pytest

from lnlbench.leaderboard.ranking.build import boards
from lnlbench.leaderboard.show.board_figures import BEST, KINDS, OTHER, matrix, ranked, written


@pytest.fixture(scope="module")
def board(methods_on_mnist):
    (found,) = boards(methods_on_mnist, ["final"])
    return found


@pytest.fixture(scope="module")
def figure(board):
    return ranked(board)


def texts_of(figure):
    """All texts of a figure that can be seen, with the boxes that they take."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    (axes,) = figure.axes
    low, high = axes.get_xlim()  # labels of ticks beyond these are there but not drawn
    beyond = {label for label in axes.get_xticklabels() if not low <= label.get_position()[0] <= high}
    texts = (text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible())
    seen = [text for text in texts if text not in beyond]
    return [(text.get_text(), text.get_window_extent(canvas.get_renderer())) for text in seen]


def test_every_row_has_its_name_and_range_in_order(board, figure):
    (axes,) = figure.axes
    names = [text.get_text() for text in axes.texts if text.get_text() in {row.name for row in board.rows}]
    assert names == [row.name for row in board.rows]
    assert [label.get_text() for label in axes.get_yticklabels()][:4] == ["1–5", "2–10", "2–11", "2–13"]


def test_texts_of_thirty_eight_rows_overlap_nowhere_and_stay_inside(figure):
    boxes = texts_of(figure)
    page = figure.bbox
    for text, box in boxes:
        assert box.x0 >= page.x0 - 1 and box.x1 <= page.x1 + 1 and box.y0 >= page.y0 - 1 and box.y1 <= page.y1 + 1, text
    for i, (one, box) in enumerate(boxes):
        for other, beside in boxes[i + 1 :]:
            wide = min(box.x1, beside.x1) - max(box.x0, beside.x0)
            high = min(box.y1, beside.y1) - max(box.y0, beside.y0)
            assert wide < 1 or high < 1, (one, other)


def test_blue_could_be_best(board, figure):
    (axes,) = figure.axes
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    colours = {round(line.get_xdata()[0], 6): line.get_color() for line in dots}
    for row in board.rows[:-1]:
        assert colours[round(row.score.mean, 6)] == (BEST if row.score.could_be_best else OTHER), row.name


def test_a_method_far_below_leaves_the_others_apart(figure):
    (axes,) = figure.axes
    assert axes.get_xlim()[0] > 75
    assert "◂ 34.84" in [text.get_text() for text in axes.texts]


def test_the_matrix_frames_what_is_decided(board):
    (axes, _) = matrix(board).axes
    assert len(axes.patches) == 2 * 452
    values = axes.images[0].get_array()
    assert values.shape == (38, 38) and values[0, 1] + values[1, 0] == pytest.approx(1) and values[0, 37] > 0.99


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_figure_is_the_same_file(board, kind):
    first, second = (written(ranked(board), kind) for _ in range(2))
    assert first == second and first[:5] in (b"%PDF-", b"\x89PNG\r", b"<?xml")


def test_small_boards_can_be_drawn(make):
    (alone,) = boards([make()])
    assert written(ranked(alone), "svg")
    with pytest.raises(ValueError, match="nothing is compared"):
        matrix(alone)
    (equal,) = boards([make(label=label, replicate=i) for label in "ab" for i in range(2)])
    assert written(ranked(equal), "svg") and written(matrix(equal), "svg")
