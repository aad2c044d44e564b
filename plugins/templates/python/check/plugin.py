"""Checks that a table has enough rows and few enough nulls in each column."""

import sprag


@sprag.params
class Params:
    """What the data must be like."""

    rows: int = sprag.param(1, minimum=0, description="The fewest rows.")
    null_share: float = sprag.param(0.0, minimum=0, maximum=1, description="The highest share of rows without a value in a column.")


@sprag.sanity_check
def check(session: sprag.Session, params: Params, data: sprag.Table) -> sprag.Verdict:
    rows, verdict = data.row_count, sprag.Verdict.PASS
    session.measure("rows", rows, split="data")
    if rows < params.rows:
        session.find("too-few-rows", f"expected at least {params.rows} rows, found {rows}")
        verdict = sprag.Verdict.FAIL
    # A column that holds no null need not be read.
    nullable = [field.name for field in data.schema if field.nullable]
    nulls, done = [0] * len(nullable), 0
    for batch in data.batches(nullable) if nullable else []:
        nulls = [count + len(column.nulls()) for count, column in zip(nulls, batch)]
        done += len(batch[0])
        session.advance(done, rows)
    for name, count in zip(nullable, nulls):
        if count > params.null_share * rows:
            session.find("null-values", f"expected at most {params.null_share * rows:g} rows without a value, found {count}", subject=name)
            verdict = sprag.Verdict.FAIL
    return verdict
