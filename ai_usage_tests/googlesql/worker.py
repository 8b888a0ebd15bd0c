"""Google's own SQL engine behind a pipe: one JSON request a line in, one JSON answer a line out.

Runs under `.venv-googlesql`: its packages cannot be installed beside the tests' own. So it imports nothing of this
project.
Everything about worlds and files is `engine.py`'s and the tests'.
"""

import ctypes
import json
import os
import re
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

import wasmtime
from zetasql.core import wasm_client
from zetasql.core.exceptions import ServerError
from zetasql.wasi import get_wasm_path
from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service
from zetasql.wasi._pb2.zetasql.proto import options_pb2
from zetasql.wasi._pb2.zetasql.resolved_ast import resolved_node_kind_pb2 as kinds

KINDS = {"INT64": 2, "BOOL": 5, "FLOAT64": 7, "STRING": 8, "DATE": 10, "TIMESTAMP": 19, "NUMERIC": 23, "ARRAY": 16}
NAMES = {kind: name for name, kind in KINDS.items()}
PLAIN = {"INT64": "int64_value", "BOOL": "bool_value", "FLOAT64": "double_value", "STRING": "string_value"}
EPOCH = date(1970, 1, 1)
EXACT = Context(prec=50)  # the usual 28 digits would round a NUMERIC of 38
EXTERNAL, ONE_LINE = 1, 1  # product mode: BigQuery's names of types alone; error messages with their line and column
# Beside queries, what an engine's own statements are.
STATEMENTS = (
    kinds.RESOLVED_QUERY_STMT,
    kinds.RESOLVED_MERGE_STMT,
    kinds.RESOLVED_UPDATE_STMT,
    kinds.RESOLVED_DELETE_STMT,
    kinds.RESOLVED_CREATE_VIEW_STMT,
    kinds.RESOLVED_CREATE_TABLE_FUNCTION_STMT,
)

# The evaluator holds rows for tables without a dataset only: `dataset.table` is read as `dataset__table`, by its name.
ADDRESS = re.compile(r"\b(ai_usage_raw|ai_usage_analytics)\.(\w+)\b(\s+as\b)?", re.IGNORECASE)


class Compiled:
    """In place of `wasmtime.Module`: machine code kept in the environment, since compiling takes half a minute."""

    @staticmethod
    def from_file(engine: Any, path: str) -> Any:
        kept = Path(sys.prefix) / f"zetasql-{version('zetasql')}-{version('wasmtime')}.cwasm"
        if not kept.exists():
            fresh = kept.with_suffix(f".{os.getpid()}")
            fresh.write_bytes(wasmtime.Module.from_file(engine, path).serialize())
            fresh.replace(kept)
        return wasmtime.Module.deserialize_file(engine, str(kept))


class Client(wasm_client.WasmClient):  # type: ignore[misc]
    """Copies requests and answers whole: the package's own takes them byte by byte, half of the engine's time."""

    def write_bytes(self, ptr: int, data: bytes) -> None:
        ctypes.memmove(self._address(ptr), data, len(data))

    def read_bytes(self, ptr: int, size: int) -> bytes:
        return ctypes.string_at(self._address(ptr), size)

    def _address(self, ptr: int) -> int:
        """Asked each time: the engine's memory moves when it grows."""
        return ctypes.addressof(self.memory.data_ptr().contents) + ptr


def set_type(proto: Any, name: str) -> None:
    """`NUMERIC(38, 9)` is NUMERIC: the bounds of a column are the table's business."""
    bare = name.partition("(")[0]
    if bare.startswith("ARRAY<"):
        proto.type_kind = KINDS["ARRAY"]
        proto.array_type.element_type.type_kind = KINDS[bare[6:-1]]
    else:
        proto.type_kind = KINDS[bare]


def name_of(proto: Any) -> str:
    if proto.type_kind == KINDS["ARRAY"]:
        return f"ARRAY<{name_of(proto.array_type.element_type)}>"
    return NAMES.get(proto.type_kind, f"type {proto.type_kind}")


def set_value(proto: Any, name: str, value: Any) -> None:
    """A null is a value of which nothing is set."""
    bare = name.partition("(")[0]
    if value is None:
        return
    if bare.startswith("ARRAY<"):
        proto.array_value.SetInParent()
        for each in value:
            set_value(proto.array_value.element.add(), bare[6:-1], each)
    elif bare == "NUMERIC":
        nanos = int(Decimal(value).scaleb(9, EXACT))
        proto.numeric_value = nanos.to_bytes((nanos.bit_length() + 8) // 8, "little", signed=True)
    elif bare == "DATE":
        proto.date_value = (date.fromisoformat(value) - EPOCH).days
    elif bare == "TIMESTAMP":
        proto.timestamp_value.FromDatetime(datetime.fromisoformat(value))
    else:
        setattr(proto, PLAIN[bare], value)


def value_of(proto: Any) -> Any:
    kind = proto.WhichOneof("value")
    if kind is None:
        return None
    value = getattr(proto, kind)
    if kind == "array_value":
        return [value_of(each) for each in value.element]
    if kind == "numeric_value":
        return f"{Decimal(int.from_bytes(value, 'little', signed=True)).scaleb(-9, EXACT):f}"
    if kind == "date_value":
        return (EPOCH + timedelta(days=value)).isoformat()
    if kind == "timestamp_value":
        return value.ToDatetime(tzinfo=UTC).isoformat()
    if kind not in PLAIN.values():
        raise TypeError(f"no column here is of such a type: {kind}")
    return value


def calls(proto: Any) -> Iterator[tuple[str, str]]:
    """Function and type of each call in a resolved statement; an operator is a function: `$divide`."""
    fields = {field.name: value for field, value in proto.ListFields() if field.message_type}
    if {"function", "parent", "signature"} <= fields.keys():
        yield proto.function.name.removeprefix("ZetaSQL:"), name_of(proto.parent.type)
    for value in fields.values():
        for each in [value] if hasattr(value, "ListFields") else value:
            if hasattr(each, "ListFields"):
                yield from calls(each)


class Engine:
    """Worlds of tables, and what GoogleSQL makes of a query on one of them."""

    def __init__(self) -> None:
        wasm_client.Module = Compiled
        self.wasm = Client(get_wasm_path())
        self.language = self.call(
            "GetLanguageOptions",
            service.LanguageOptionsRequest(maximum_features=True),
            options_pb2.LanguageOptionsProto,
        )
        self.language.product_mode = EXTERNAL
        self.language.reserved_keywords.append("QUALIFY")
        self.language.supported_statement_kinds.extend(STATEMENTS)
        self.worlds: dict[str, int] = {}

    def call(self, method: str, request: Any, answer: type[Any]) -> Any:
        return self.wasm.call_grpc_func(f"ZetaSqlLocalService_{method}", request, answer)

    def declare(self, world: str, tables: dict[str, Any]) -> dict[str, Any]:
        request = service.RegisterCatalogRequest()
        top = request.simple_catalog
        top.name = world
        top.builtin_function_options.language_options.CopyFrom(self.language)
        datasets: dict[str, Any] = {}
        for address, table in tables.items():
            dataset, name = address.split(".")
            if dataset not in datasets:
                datasets[dataset] = top.catalog.add(name=dataset)
            flat = f"{dataset}__{name}"
            for declared in (datasets[dataset].table.add(name=name), top.table.add(name=flat)):
                for column, of in table["columns"].items():
                    set_type(declared.column.add(name=column).type, of)
            data = request.table_content[flat].table_data
            data.SetInParent()
            for row in table["rows"]:
                cells = data.row.add().cell
                for of, value in zip(table["columns"].values(), row, strict=True):
                    set_value(cells.add(), of, value)
        self.worlds[world] = self.call("RegisterCatalog", request, service.RegisterResponse).registered_id
        return {}

    def analyze(self, world: str, sql: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """The output columns, of a query alone, and which functions gave which types."""
        request = service.AnalyzeRequest(sql_statement=sql, registered_catalog_id=self.worlds[world])
        self._set_options(request.options, parameters)
        found = self.call("Analyze", request, service.AnalyzeResponse)
        columns = found.resolved_statement.resolved_query_stmt_node.output_column_list
        return {
            "columns": [[column.name, name_of(column.column.type)] for column in columns],
            "calls": sorted(set(calls(found.resolved_statement))),
        }

    def evaluate(self, world: str, sql: str, parameters: dict[str, Any]) -> dict[str, Any]:
        flat = ADDRESS.sub(lambda m: f"{m[1]}__{m[2]}{m[3] or f' as {m[2]}'}", sql)
        request = service.EvaluateQueryRequest(sql=flat, registered_catalog_id=self.worlds[world])
        self._set_options(request.options, parameters)
        for name, parameter in parameters.items():
            set_value(request.params.add(name=name).value, parameter["type"], parameter["value"])
        found = self.call("EvaluateQuery", request, service.EvaluateQueryResponse)
        return {
            "columns": [[column.name, name_of(column.type)] for column in found.prepared.columns],
            "rows": [[value_of(cell) for cell in row.cell] for row in found.content.table_data.row],
        }

    def _set_options(self, options: Any, parameters: dict[str, Any]) -> None:
        options.language_options.CopyFrom(self.language)
        options.default_timezone = "UTC"
        options.error_message_mode = ONE_LINE
        options.prune_unused_columns = True
        for name, parameter in parameters.items():
            set_type(options.query_parameters.add(name=name).type, parameter["type"])


def main() -> None:
    engine = Engine()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(engine, request.pop("do"))(**request)
        except ServerError as refused:
            answer = {"refused": refused.message}
        except (KeyError, TypeError, ValueError) as unexpected:
            answer = {"broken": repr(unexpected)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
