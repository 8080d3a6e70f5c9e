"""Write docs/contributing/rules.md anew."""

from __future__ import annotations

from tests.rules.table import TABLE, rendered

if __name__ == "__main__":
    TABLE.write_text(rendered())
    print(f"docs: {TABLE.name} written")
