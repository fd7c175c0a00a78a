"""A company's own pack: a folder outside of the package, whose files appear everywhere without an edit of ours.

`TIFFIN_PACK` names it, by default `pack/` beside the home. In it stand `reports/*.py`, each a report as ours are,
`metrics.toml`, `notebooks/*.py`, `templates/` of papers, `services.toml` and `tests/*.py`. What is broken is a problem,
in one sentence with its line, and stops only itself (DECISIONS D204).
"""

from reports.pack.files import Pack, current, where

__all__ = ["Pack", "current", "where"]
