"""Teach dlt's command line our sources: `dlt pipeline <source> run` and `show`, and where their pipelines lie."""

from __future__ import annotations

import argparse
import os
from typing import Any

from dlt._workspace.cli.commands import PipelineCommand
from dlt.common import known_env
from dlt.common.configuration.plugins import SupportsCliCommand, hookimpl, only_host
from dlt.common.configuration.specs.pluggable_run_context import RunContextBase
from dlt.common.runtime.run_context import RunContext


class RunCommand(SupportsCliCommand):
    """`dlt pipeline <source> run`: land a source in the world of the last run."""

    parent = "pipeline"
    command = "run"
    help_string = "Lands the source of this name in the raw lake"
    description = None
    docs_url = None

    def configure_parser(self, parser: argparse.ArgumentParser) -> None:
        """The pipeline's name is dlt's own positional; there is nothing to add."""

    def execute(self, args: argparse.Namespace) -> None:
        import json  # what a run needs is imported by a run: `dlt --help` stays fast

        from cli.errors import ended_by
        from ingestion.pipeline import run
        from orchestration.display import errors
        from trendhouse import worlds
        from trendhouse.running import guarded
        from trendhouse.settings import load_settings

        with ended_by(errors):
            settings = load_settings(world=load_settings().effective_world)
            with (
                guarded(settings, f"dlt pipeline {args.pipeline_name} run"),
                worlds.enter(settings) as entered,
            ):
                landing = run(args.pipeline_name, entered)
        print(json.dumps(landing.as_dict(), indent=1))
        if landing.is_partial:
            raise SystemExit(3)


class OurPipelineCommand(PipelineCommand):
    """dlt's own command, but for `show`: dlt's page comes with a package of its vendor's, ours with this one."""

    def configure_parser(self, pipe_cmd: argparse.ArgumentParser) -> None:
        from trendhouse.ports import a_port

        super().configure_parser(pipe_cmd)
        operations = next(
            each for each in pipe_cmd._actions if isinstance(each, argparse._SubParsersAction)
        )
        parser = operations.choices["show"]
        parser.description = "Serves state, loads, raw tables and newest records on 127.0.0.1."
        parser.add_argument("--port", type=a_port, default=8090, help="0 takes any that is free")
        parser.set_defaults(execute=self.show)

    def show(self, args: argparse.Namespace) -> None:
        """Raises CannotRestorePipelineException, told by dlt, where nothing was landed."""
        import dlt

        from cli.errors import told
        from ingestion.show import show
        from orchestration.display import errors
        from trendhouse.declared.sources import load_spec
        from trendhouse.settings import load_settings

        if args.edit:
            self.parser.error("--edit is of dlt's own page; this one is not edited")
        settings = load_settings(world=load_settings().effective_world)
        spec = load_spec(args.pipeline_name)
        pipeline = dlt.attach(spec.name, pipelines_dir=str(settings.place.pipelines))
        with told(errors):
            show(pipeline, spec, settings.place.lake, args.port)


class WorldContext(RunContext):
    """dlt's own context, apart from its pipelines: they lie in the home of the current world."""

    def get_data_entity(self, entity: str) -> str:
        if entity != "pipelines":
            return super().get_data_entity(entity)
        from trendhouse.settings import load_settings

        return str(load_settings().place.pipelines)


@hookimpl(specname="plug_cli")
@only_host("dlt")
def plug_cli_run(host: str) -> type[SupportsCliCommand]:
    return RunCommand


@hookimpl(specname="plug_cli", tryfirst=True)
@only_host("dlt")
def plug_cli_pipeline(host: str) -> type[SupportsCliCommand]:
    return OurPipelineCommand


@hookimpl(specname="plug_run_context", tryfirst=True)
def plug_run_context_world(
    run_dir: str | None, runtime_kwargs: dict[str, Any] | None
) -> RunContextBase | None:
    """Answers unless DLT_DATA_DIR says that somebody wants their pipelines elsewhere."""
    return None if os.environ.get(known_env.DLT_DATA_DIR) else WorldContext(run_dir)
