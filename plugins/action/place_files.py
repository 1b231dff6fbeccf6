"""Action plugin place_files: renders templates and reads files here, and sends all of them to the module at once."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase
from ansible.template import generate_ansible_template_vars, trust_as_template

SOURCES = ("template", "copy", "content")


def unfit(path: Any) -> bool:
    """Tell whether a path is none below the root."""
    parts = PurePosixPath(str(path)).parts
    return not parts or ".." in parts or PurePosixPath(str(path)).is_absolute()


class ActionModule(ActionBase):  # type: ignore[misc] # Ansible has no types
    """What the module's documentation describes."""

    TRANSFERS_FILES = False
    _VALID_ARGS = frozenset({"root", "directories", "files"})

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Collect the contents, run the module, and notify the handlers of what changed."""
        variables = task_vars or {}
        result: dict[str, Any] = super().run(tmp, variables)
        arguments = dict(self._task.args)
        files: list[dict[str, Any]] = []
        secrets: list[dict[str, Any]] = []
        handlers: dict[str, list[str]] = {}
        for row in [*arguments.get("directories", []), *arguments.get("files", [])]:
            if unfit(row.get("path", "")):
                raise AnsibleActionFail(f"path {row.get('path')!r} is not below the root")
        for given in arguments.get("files", []):
            row = dict(given)
            handlers[row["path"]] = [row["notify"]] if isinstance(row.get("notify"), str) else row.get("notify") or []
            if row.get("state", "present") == "present":
                row["content"] = self._content(row, arguments.get("root", ""), variables)
            secret = row.get("secret", False)
            kept = {key: value for key, value in row.items() if key not in {"template", "copy", "notify", "secret"}}
            if secret and kept.get("state", "present") == "present":
                kept.pop("state", None)
                secrets.append(kept)
            else:
                files.append(kept)
        result |= self._execute_module(
            module_name="place_files",
            module_args={**arguments, "files": files, "secrets": secrets},
            task_vars=variables,
        )
        # Ansible notifies what a task names; this is how a result names it, so that only what changed is told.
        wanted = [name for path in result.get("changed_paths", []) for name in handlers.get(path, [])]
        if wanted:
            result["_ansible_notify"] = list(dict.fromkeys(wanted))
        return result

    def _content(self, row: dict[str, Any], root: str, variables: dict[str, Any]) -> str:
        sources = [name for name in SOURCES if row.get(name) is not None]
        if len(sources) != 1:
            raise AnsibleActionFail(
                f"{row['path']}: needs one of {', '.join(SOURCES)}, has {', '.join(sources) or 'none'}"
            )
        if sources == ["content"]:
            return str(row["content"])
        name = row[sources[0]]
        try:
            source = self._find_needle("templates", name)
        except AnsibleError as error:
            raise AnsibleActionFail(f"{row['path']}: {error}") from error
        text = self._loader.get_text_file_contents(source)
        if sources == ["copy"]:
            return str(text)
        folders = [*variables.get("ansible_search_path", []), str(Path(source).parent)]
        templar = self._templar.copy_with_new_env(
            searchpath=[place for folder in folders for place in (f"{folder}/templates", folder)],
            available_variables={
                **variables,
                **generate_ansible_template_vars(path=name, fullpath=source, dest_path=f"{root}/{row['path']}"),
            },
        )
        rendered = templar.template(
            trust_as_template(text), escape_backslashes=False, overrides={"trim_blocks": True, "newline_sequence": "\n"}
        )
        return "" if rendered is None else str(rendered)
