"""The data sets of R's survival package as the reference scripts prepare them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

REFERENCE = Path(__file__).parents[1] / "reference"
DATA = Path(__file__).parents[1] / "data" / "r_survival"


@cache
def read(name: str) -> pl.DataFrame:
    path = DATA / f"{name}.csv"
    return pl.read_csv(path if path.exists() else DATA / f"{name}.csv.gz", null_values="NA")


@cache
def reference(name: str) -> pl.DataFrame:
    return pl.read_csv(
        REFERENCE / f"{name}.csv", null_values=["NA", "NaN"], infer_schema_length=None
    )


def flag(column: str, value: Any) -> pl.Expr:
    return (pl.col(column) == value).cast(pl.Float64)


def colon() -> pl.DataFrame:
    frame = read("colon").filter(pl.col("etype") == 2)
    return frame.with_columns(lev=flag("rx", "Lev"), lev5fu=flag("rx", "Lev+5FU"))


def pbc_rows() -> pl.DataFrame:
    frame = read("pbcseq").sort("id", "day")
    last = pl.col("day").shift(-1).over("id").is_null()
    return frame.with_columns(
        start=pl.col("day"),
        stop=pl.when(last).then(pl.col("futime")).otherwise(pl.col("day").shift(-1)),
        dead=(last & (pl.col("status") == 2)).cast(pl.Int64),
        lbili=pl.col("bili").log(),
    ).filter(pl.col("stop") > pl.col("start"))


def model(name: str) -> dict[str, Any]:
    """Arguments of `cox_regression` for each fit of survival_cox.R."""
    ties = "breslow" if name.endswith("breslow") else "efron"
    if name == "colon_cluster":
        d = read("colon").with_columns(lev=flag("rx", "Lev"), lev5fu=flag("rx", "Lev+5FU"))
        more = {"strata": d["etype"], "cluster": d["id"]}
        return {"time": d["time"], "event": d["status"], "covariates": d["lev", "lev5fu"], **more}
    if name.startswith("colon"):
        d = colon()
        x = d["lev", "lev5fu", "age", "node4"]
        return {"time": d["time"], "event": d["status"], "covariates": x, "ties": ties}
    if name.startswith("rotterdam"):
        d = read("rotterdam").with_columns(lp=(pl.col("pgr") + 1).log(), big=flag("size", ">50"))
        base = {"time": d["rtime"], "event": d["recur"]}
        if name == "rotterdam":
            return {**base, "covariates": d["age", "nodes", "grade", "lp", "big", "hormon"]}
        weights = 1 + (d["pid"].to_numpy() % 5) / 2
        x = d["age", "nodes", "hormon"]
        return {**base, "covariates": x, "weights": weights, "robust": True}
    if name.startswith("gbsg"):
        d = read("gbsg").with_columns(lpgr=(pl.col("pgr") + 1).log())
        base = {"time": d["rfstime"], "event": d["status"]}
        if name == "gbsg":
            x = d["age", "nodes", "lpgr", "hormon"]
            return {**base, "covariates": x, "strata": d["grade"]}
        return {**base, "covariates": d["nodes", "hormon"], "offset": 0.01 * d["age"].to_numpy()}
    if name.startswith("heart"):
        d = read("heart").with_columns(tx=pl.col("transplant").cast(pl.Float64))
        base = {"time": d["stop"], "event": d["event"], "entry": d["start"]}
        if name == "heart":
            return {**base, "covariates": d["age", "year", "surgery", "tx"]}
        return {**base, "covariates": d["age", "tx"], "cluster": d["id"]}
    if name == "pbcseq":
        d = pbc_rows()
        base = {"time": d["stop"], "event": d["dead"], "entry": d["start"], "cluster": d["id"]}
        return {**base, "covariates": d["lbili", "age", "albumin"], "strata": d["sex"]}
    if name == "myeloid":
        d = read("myeloid").with_columns(b=flag("trt", "B"), male=flag("sex", "m"))
        return {"time": d["futime"], "event": d["death"], "covariates": d["b", "male"]}
    d = read("mgus2").with_columns(male=flag("sex", "M"))
    d = d.drop_nulls(["age", "hgb", "mspike"])
    x = d["age", "male", "hgb", "mspike"]
    return {"time": d["futime"], "event": d["death"], "covariates": x, "ties": ties}


MODELS = (
    "colon", "colon_breslow", "colon_cluster", "rotterdam", "rotterdam_weighted", "gbsg",
    "gbsg_offset", "heart", "heart_cluster", "pbcseq", "myeloid", "mgus2", "mgus2_breslow",
)  # fmt: skip


def wanted(name: str, quantity: str, table: str = "survival_cox") -> np.ndarray:
    frame = reference(table).filter((pl.col("set") == name) & (pl.col("quantity") == quantity))
    return frame["value"].to_numpy()
