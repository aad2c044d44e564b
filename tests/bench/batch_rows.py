"""Writes a Parquet file of random rows with the columns of a CSV file but its last. Usage: batch_rows.py CSV ROWS OUTPUT"""

import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

with open(sys.argv[1]) as csv:
    names = csv.readline().strip().split(",")[:-1]
left, random = int(sys.argv[2]), np.random.default_rng(0)
schema = pa.schema([(name, pa.float64()) for name in names])
with pq.ParquetWriter(sys.argv[3], schema, compression="snappy") as sink:
    while left > 0:
        count = min(left, 1 << 20)
        sink.write_table(pa.table([random.normal(0, 0.05, count) for _ in names], schema=schema))
        left -= count
