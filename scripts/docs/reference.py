#!/usr/bin/env python3
"""Renders the generated blocks of docs/*.md: reference.py CATALOGUE.json GATEWAY [--check].

A block stands between `<!-- generated: NAME -->` and `<!-- end -->`; what is around it is written by hand. With --check
nothing is written, and the exit code is 1 when a file is out of date.
"""
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROLES = ["gateway", "app", "admin", "worker"]
BLOCK = re.compile(r"(<!-- generated: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
SHORT_TYPES = {"timestamp with time zone": "timestamptz", "timestamp without time zone": "timestamp"}


def cell(text):
    return str(text if text is not None else "").replace("|", "\\|").replace("\n", " ")


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines)


def short_type(name):
    for long, short in SHORT_TYPES.items():
        name = name.replace(long, short)
    return name


def short_signature(text):
    """Without the casts that PostgreSQL prints behind defaults: NULL::text is NULL."""
    return re.sub(r"('[^']*'|NULL)::[a-z ]+", r"\1", short_type(text))


class Modules:
    """Which module of sql/modules/ made an object, in the order of installation."""

    def __init__(self):
        makefile = (ROOT / "Makefile").read_text()
        files = re.search(r"^SQL_MODULES = (.*)$", makefile, re.MULTILINE).group(1).split()
        self.names, self.of_object = [], {}
        for file in files:
            text = (ROOT / "sql" / "modules" / f"{file}.sql").read_text()
            name = file.split("_", 1)[1]
            made = re.findall(r"^CREATE (?:FUNCTION|TABLE|TYPE|VIEW) latchkey\.(\w+)", text, re.MULTILINE)
            self.of_object.update({item: name for item in made})
            if any(not item.startswith("_") for item in made):
                self.names.append(name)

    def select(self, items, module):
        # In the order of the file, which goes from what is needed first to what is needed seldom.
        order = list(self.of_object)
        chosen = [item for item in items if self.of_object[item["name"]] == module]
        return sorted(chosen, key=lambda item: order.index(item["name"]))


def callers(function):
    return [role for role in ROLES if f"latchkey_{role}" in (function["roles"] or [])]


def render_callers(catalogue, modules):
    rows = []
    for module in modules.names:
        for function in modules.select(catalogue["functions"], module):
            marks = ["yes" if role in callers(function) else "" for role in ROLES]
            rows.append([f"[`{function['name']}`](#{function['name']})", module] + marks)
    return table(["function", "module"] + [f"`latchkey_{role}`" for role in ROLES], rows)


def render_function(function):
    signature = f"latchkey.{function['name']}({short_signature(function['arguments'])}) → {short_type(function['result'])}"
    who = ", ".join(f"`latchkey_{role}`" for role in callers(function)) or "nobody"
    return (f"#### {function['name']}\n\n```text\n{signature}\n```\n\n{function['comment']}\n\n"
            f"*{function['volatility'].capitalize()}. Callers: {who}.*")


def render_type(item):
    columns = ", ".join(f"`{column['name']}` {short_type(column['type'])}" for column in item["columns"])
    return f"#### Type {item['name']}\n\n{item['comment']}\n\n{columns}."


def render_table(item):
    rows = [[f"`{column['name']}`", short_type(column["type"]), "" if column["required"] else "yes",
             f"`{short_signature(column['default'])}`" if column["default"] else ""] for column in item["columns"]]
    text = f"#### Table {item['name']}\n\n{item['comment']}\n\n" + table(["column", "type", "null", "default"], rows)
    rights = [f"`{role}`: {', '.join(granted)}" for role, granted in sorted((item["grants"] or {}).items())]
    for role, columns in sorted((item["column_grants"] or {}).items()):
        rights.append(f"`{role}`: SELECT of {', '.join(f'`{name}`' for name in columns)}")
    return text + "\n\n*Rights beside the owner's: " + ("; ".join(rights) or "none") + ".*"


def render_module(catalogue, modules, name):
    parts = [render_function(item) for item in modules.select(catalogue["functions"], name)]
    parts += [render_type(item) for item in modules.select(catalogue["types"], name)]
    parts += [render_table(item) for item in modules.select(catalogue["tables"], name)]
    return "\n\n".join(parts)


def render_modules(catalogue, modules):
    return "\n\n".join(f"### {name.capitalize()}\n\n" + render_module(catalogue, modules, name) for name in modules.names)


def bounds(setting):
    if setting["choices"]:
        return ", ".join(setting["choices"])
    if setting["minimum"] is None:
        return ""
    unit = " s" if setting["type"] == "duration" else ""
    return f"{setting['minimum']} to {setting['maximum']}{unit}"


def render_settings(catalogue):
    return table(["key", "type", "default", "bounds or choices", "what it is"],
                 [[f"`{item['key']}`", item["type"], f"`{item['default_value']}`", bounds(item), item["description"]]
                  for item in catalogue["settings"]])


def render_server_settings(catalogue):
    return table(["setting", "default", "what it is"],
                 [[f"`{item['name']}`", f"`{item['default']}{' ' + item['unit'] if item['unit'] else ''}`" if item["default"]
                   else "none", item["description"]] for item in catalogue["server_settings"]])


def sql_errors(gateway):
    """The rows of the table of errors that have a SQLSTATE."""
    lines = run(gateway, "errors").splitlines()
    return "\n".join(line for line in lines if not line.startswith("| gateway |"))


def schema_text(schema):
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(schema_text(choice) for choice in schema["anyOf"])
    if schema.get("type") == "array":
        return "list of " + schema_text(schema["items"])
    kind = schema.get("format") or schema.get("type") or "any"
    if isinstance(schema.get("type"), list):
        kind = schema.get("format") or " or ".join(schema["type"])
    return kind if "const" not in schema else f"`{json.dumps(schema['const'])}`"


def render_body(operation):
    content = operation.get("requestBody", {}).get("content", {})
    rows = []
    for parameter in operation.get("parameters", []):
        rows.append([f"`{parameter['name']}`", parameter["in"], schema_text(parameter["schema"]),
                     "yes" if parameter.get("required") else "", parameter.get("description", "")])
    schema = content.get("application/json", {}).get("schema", {})
    for name, field in schema.get("properties", {}).items():
        rows.append([f"`{name}`", "body", schema_text(field), "yes" if name in schema.get("required", []) else "",
                     field.get("description", "")])
    return table(["argument", "in", "type", "required", "what it is"], rows) if rows else ""


def render_answer(status, response):
    for media, content in response.get("content", {}).items():
        schema = content.get("schema", {})
        if "properties" not in schema:
            return f"Answers {status} with {schema_text(schema)}" + ("" if media == "application/json" else f" as `{media}`") + "."
        members = [f"`{name}` {schema_text(field)}" for name, field in schema["properties"].items()]
        return f"Answers {status}: " + ", ".join(members) + "."
    return f"Answers {status}."


def render_operation(method, path, operation):
    parts = [f"#### {method.upper()} {path}", operation["summary"]
             + (" Needs a bearer token." if operation.get("security") else ""), render_body(operation)]
    codes = []
    for status, response in operation["responses"].items():
        if status < "400":
            parts.append(render_answer(status, response))
        else:
            codes += [f"{code} {status}" for code in re.findall(r"`(\w+)`", response["description"])]
    parts.append("Errors: " + ", ".join(f"`{code.split()[0]}` {code.split()[1]}" for code in codes) + "." if codes else "")
    return "\n\n".join(part for part in parts if part)


def render_operations(document):
    parts = []
    for tag in document["tags"]:
        parts.append(f"### Module {tag['name']}")
        for path, methods in document["paths"].items():
            parts += [render_operation(method, path, operation) for method, operation in methods.items()
                      if tag["name"] in operation["tags"]]
    return "\n\n".join(parts)


def render_schemas(document):
    parts = []
    for name, schema in document["components"]["schemas"].items():
        rows = [[f"`{field}`", schema_text(value), value.get("description", "")]
                for field, value in schema.get("properties", {}).items()]
        parts.append(f"#### {name}\n\n{schema.get('description', '')}"
                     + ("\n\n" + table(["member", "type", "what it is"], rows) if rows else ""))
    return "\n\n".join(parts)


def run(gateway, command):
    return subprocess.run([gateway, command], check=True, capture_output=True, text=True).stdout.strip()


def render_blocks(catalogue, gateway):
    modules = Modules()
    document = json.loads(run(gateway, "openapi"))
    return {
        "callers": render_callers(catalogue, modules),
        "modules": render_modules(catalogue, modules),
        "settings": render_settings(catalogue),
        "server-settings": render_server_settings(catalogue),
        "sql-errors": sql_errors(gateway),
        "errors": run(gateway, "errors"),
        "routes": run(gateway, "routes"),
        "operations": render_operations(document),
        "schemas": render_schemas(document),
        "flags": run(gateway, "config"),
    }


def main(arguments):
    check = "--check" in arguments
    catalogue_file, gateway = [item for item in arguments if item != "--check"]
    blocks = render_blocks(json.loads(pathlib.Path(catalogue_file).read_text()), gateway)
    stale = []
    for file in sorted((ROOT / "docs").glob("*.md")):
        old = file.read_text()
        new = BLOCK.sub(lambda found: found.group(1) + "\n" + blocks[found.group(2)] + "\n\n" + found.group(3), old)
        if new == old:
            continue
        stale.append(file.relative_to(ROOT))
        if not check:
            file.write_text(new)
    for file in stale:
        print(f"{file}: {'out of date, run make docs' if check else 'written'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
