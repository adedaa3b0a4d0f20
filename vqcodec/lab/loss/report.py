"""What is left of a damaged stream, as plain values, JSON and a Markdown table.

JSON: {"schema_version": 1, "conditions": {...}, "rows": [{"damage": ..., "poses": {...}, "pictures": {...}}, ...]}.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vqcodec.evaluation.tools.files import load_json, save_json
from vqcodec.lab.command import command

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class PoseFigures:
    """Means over several seeds on a long stream. Shares are of the undamaged stream's frames, 0..1.

    Distances are of landmarks, computed from motion features, over the face's inter-ocular distance, for the frames that are
    not as they were; the true ones are those of the undamaged stream. None where there are no such frames.

    Attributes:
        runs: seeds measured.
        unreadable: runs in which nothing could be shown.
        timeline: frames that have a picture at their time.
        intact: frames with their own pose.
        made_up: frames whose pose was made up.
        sound_lost: sound groups lost, of all sound groups.
        lmd: distance of the poses shown.
        lmd_held: distance, had the last good pose been held all the time.
        lmd_still: distance, had the first frame of the stream been shown.
    """

    runs: int
    unreadable: int
    timeline: float
    intact: float
    made_up: float
    sound_lost: float
    lmd: float | None
    lmd_held: float | None
    lmd_still: float | None


@dataclass(frozen=True, slots=True)
class PictureFigures:
    """Means over all frames that are shown of all clips, one seed, against the clips.

    Attributes:
        frames: frames shown.
        made_up: frames not as in the undamaged decode.
        psnr_db, perc: of the damaged streams, as in metrics.
        psnr_db_undamaged, perc_undamaged: of the undamaged streams, the same frames.
    """

    frames: int
    made_up: int
    psnr_db: float
    perc: float
    psnr_db_undamaged: float
    perc_undamaged: float


@dataclass(frozen=True, slots=True)
class DamageRow:
    """One kind of damage."""

    damage: str
    poses: PoseFigures
    pictures: PictureFigures


@dataclass(frozen=True, slots=True)
class LossReport:
    """All kinds of damage, and under which conditions they were measured."""

    conditions: dict[str, Any]
    rows: list[DamageRow]

    def save(self, path: Path) -> None:
        """Write the JSON, whole or not at all."""
        save_json(
            path,
            {
                "schema_version": SCHEMA_VERSION,
                "conditions": self.conditions,
                "rows": [asdict(row) for row in self.rows],
            },
        )

    @classmethod
    def load(cls, path: Path) -> LossReport:
        """Read the JSON.

        Raises:
            UsageError: it is something else.
        """

        def build(data: dict[str, Any]) -> LossReport:
            rows = [
                DamageRow(r["damage"], PoseFigures(**r["poses"]), PictureFigures(**r["pictures"]))
                for r in data["rows"]
            ]
            return cls(data["conditions"], rows)

        return load_json(
            path,
            SCHEMA_VERSION,
            build,
            what="a report on losses",
            command=command("loss"),
        )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _plain(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def table(report: LossReport) -> list[str]:
    """Markdown lines."""
    lines = [
        "| damage | frames with a picture | intact | made up | sound lost | landmark distance of made-up poses | if the "
        "last one were held | if the first frame were shown | PSNR, dB | undamaged | perceptual distance | undamaged |",
        "|---|" + "---:|" * 11,
    ]
    for row in report.rows:
        poses, pictures = row.poses, row.pictures
        cells = [
            row.damage,
            *(
                _percent(share)
                for share in (poses.timeline, poses.intact, poses.made_up, poses.sound_lost)
            ),
            *(_plain(value, 4) for value in (poses.lmd, poses.lmd_held, poses.lmd_still)),
            _plain(pictures.psnr_db, 2),
            _plain(pictures.psnr_db_undamaged, 2),
            _plain(pictures.perc, 4),
            _plain(pictures.perc_undamaged, 4),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def caption(report: LossReport) -> str:
    """The conditions in a few sentences."""
    known = report.conditions
    failed = sum(row.poses.unreadable for row in report.rows)
    nothing = f"; {failed} runs showed nothing" if failed else ""
    return (
        f"Poses: {known['long_minutes']:g} minutes ({known['long_bytes']} bytes, {known['long_groups']} motion groups) of "
        f"{len(known['clips'])} clips in a row, means over {known['seeds']} seeds{nothing}; landmark distance in units of "
        f"the distance of the eyes, against the undamaged poses. Pictures: the clips themselves, one seed, "
        f"{report.rows[0].pictures.frames} frames at 256x256, not passed through H.264, against the clips. HEAD "
        f"and portraits are spared. {known['date_utc']}; `{known['motion_space']}`, `{known['renderer']}`."
    )


def show(report: LossReport) -> str:
    """The table for a terminal."""
    return "\n".join([*table(report), caption(report), ""])


def lines(path: Path) -> list[str]:
    """The page's part, made from the JSON."""
    found = LossReport.load(path)
    return [*table(found), "", caption(found)]
