"""The faults as data."""

from __future__ import annotations

import json

from marrowtrace.citations import bibliography
from marrowtrace.evidence.audit import KINDS, fault_table, faults, faults_of
from marrowtrace.evidence.tables import bundled


def test_all_25_faults_in_order():
    assert [fault.number for fault in faults()] == list(range(1, 26))
    assert {fault.kind for fault in faults()} == set(KINDS)


def test_every_fault_says_what_is_printed_what_the_source_has_and_what_it_does():
    for fault in faults():
        assert fault.printed
        assert fault.source_says
        assert fault.effect
        assert fault.study in bibliography()
        json.dumps(fault.to_json(), allow_nan=False)


def test_faults_and_rows_name_each_other():
    """A row lists the faults that touch it, a fault its rows; fault 19 is of all Table 2."""
    tables = bundled()
    rows = {row.row: row for row in (*tables.rates, *tables.effects)}
    for fault in faults():
        for name in fault.rows:
            assert name in rows
            # fault 23 is of the text and only points to a row
            assert fault.number in rows[name].faults or fault.number == 23
    by_number = {fault.number: fault for fault in faults()}
    for row in rows.values():
        for number in row.faults:
            listed = by_number[number].rows
            assert number == 19 or row.row in listed or row.source == "published figures"


def test_what_the_audit_calls_an_error():
    errors = {fault.number for fault in faults() if fault.kind == "ERROR"}
    assert {1, 2, 3, 9, 10, 11, 12, 22} <= errors


def test_table_and_flags():
    assert fault_table().height == 25
    assert fault_table(faults_of((2, 4))).get_column("number").to_list() == [2, 4]
    assert "ref 134" in faults_of((1,))[0].flag
