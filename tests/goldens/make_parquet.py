"""Feature files as pandas and pyarrow write them: features-*.parquet. Run with pyarrow and pandas.

Row i of the sound rows holds i + 0.1, 2 i and a list [i, -i, i / 3]."""

from pathlib import Path

import pandas
import pyarrow
import pyarrow.parquet as parquet

here = Path(__file__).parent
names = [f"picture-{i:03}.png" for i in range(12)]
columns = {
    "image": names,
    "light": [i + 0.1 for i in range(12)],
    "dark": [2 * i for i in range(12)],
    "embedding": [[float(i), float(-i), i / 3] for i in range(12)],
}
pandas.DataFrame(columns).to_parquet(here / "features-pandas.parquet")
parquet.write_table(pyarrow.table(columns), here / "features-zstd.parquet", compression="zstd", row_group_size=5)
# The same without the list, in 32 bits, unpacked, with rows that must be left out: 12 to 15.
light = columns["light"] + [float("nan"), None, 1.0, 1.0]
table = pyarrow.table(
    {
        "image": names + ["picture-012.png", "picture-013.png", "picture-003.png", None],
        "light": pyarrow.array(light, pyarrow.float32()),
    }
)
parquet.write_table(table, here / "features-bad-rows.parquet", compression="none")
parquet.write_table(table.drop_columns("image"), here / "features-no-image.parquet")
