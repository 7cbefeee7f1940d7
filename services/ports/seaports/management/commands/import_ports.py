"""`manage.py import_ports`: create or update ports from a file."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from seaports import settings
from seaports.bootstrap import run_import
from seaports.domain.errors import InvalidRecord, PortsError


class Command(BaseCommand):
    """Create or update ports from a JSON file, plain or gzip, of any size: all or nothing."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("file", help="an object of ports by UN/LOCODE; - reads standard input")
        parser.add_argument(
            "--skip-invalid",
            action="store_true",
            help="leave out records that are no port, naming each, and import the rest",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="validate and count, and change nothing"
        )

    def handle(self, *_args: object, **options: object) -> None:
        """Import, then say what changed; a bad file ends with status 1 and an unchanged store."""
        dry_run = bool(options["dry_run"])
        if settings.ENVIRONMENT.store == "memory" and not dry_run:
            raise CommandError(
                "the memory store lives in the serving process and is filled when that starts:"
                " set PORTS_DATA_FILE and restart it, or set PORTS_STORE_URL to a postgresql://"
                " URL; --dry-run only validates the file"
            )
        try:
            with _opened(str(options["file"])) as stream:
                report = run_import(
                    stream,
                    skip_invalid=self._skip if options["skip_invalid"] else None,
                    commit=not dry_run,
                )
        except PortsError as error:
            raise CommandError(f"{options['file']}: {error}; nothing was imported") from error
        verb = "would be " if dry_run else ""
        self.stdout.write(
            f"{verb}created {report.created}, updated {report.updated},"
            f" unchanged {report.unchanged}, invalid {report.invalid}"
        )

    def _skip(self, error: InvalidRecord) -> None:
        tqdm.write(f"skipped {error}", file=sys.stderr)


@contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    """Open the file, with a progress bar where a person watches."""
    if name == "-":
        with _progress(sys.stdin.buffer, None) as stream:
            yield stream
        return
    path = Path(name)
    try:
        file = path.open("rb")
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror}") from error
    with file, _progress(file, path.stat().st_size) as stream:
        yield stream


@contextmanager
def _progress(file: BinaryIO, size: int | None) -> Iterator[BinaryIO]:
    # disable=None: silent unless standard error is a terminal.
    with tqdm.wrapattr(file, "read", total=size, desc="import", disable=None) as stream:
        yield cast("BinaryIO", stream)
