"""Scores a Parquet file with scikit-learn and pyarrow, batch by batch: what a user would write instead of `sprag score`. Usage: batch.py MODEL INPUT OUTPUT"""

import sys

import joblib
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

model = joblib.load(sys.argv[1])
source = pq.ParquetFile(sys.argv[2])
schema = source.schema_arrow.append(pa.field("score", pa.float64()))
with pq.ParquetWriter(sys.argv[3], schema, compression="snappy") as sink:
    for batch in source.iter_batches(batch_size=1 << 16):
        rows = np.column_stack([column.to_numpy(zero_copy_only=False) for column in batch.columns])
        sink.write_batch(batch.append_column("score", pa.array(model.predict(rows))))
