"""An object store of the tests: the Versity S3 Gateway over a folder.

It is a stand-in for the object storage of a cloud. The protocol is that of S3.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stack.process import Process

from tests.platform.slo.real import tool
from tests.service import free_port

REGION = "us-east-1"
KEY, SECRET = "tests", "only-for-tests"
READY_WITHIN_SECONDS = 60


@dataclass(frozen=True)
class ObjectStore:
    """A running store: its address, and the folder of its one bucket."""

    endpoint: str
    bucket: Path

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables that the Secrets of the profile `scaled` hold."""
        return {
            "S3_ENDPOINT": self.endpoint,
            "S3_REGION": REGION,
            "S3_BUCKET": self.bucket.name,
            "S3_INSECURE": "true",
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
        }

    @property
    def of_thanos(self) -> Mapping[str, str | bool]:
        """The part `config` of Thanos' configuration of an object store."""
        return {
            "bucket": self.bucket.name,
            "endpoint": self.endpoint,
            "insecure": True,
            "access_key": KEY,
            "secret_key": SECRET,
        }

    def objects(self, under: str) -> int:
        """Return how many objects a folder of the bucket has."""
        return sum(each.is_file() for each in (self.bucket / under).rglob("*"))


@contextmanager
def object_store(folder: Path, bucket: str) -> Iterator[ObjectStore]:
    """Run the Versity S3 Gateway until the block ends."""
    found = ObjectStore(f"127.0.0.1:{free_port()}", folder / "objects" / bucket)
    found.bucket.mkdir(parents=True)
    command = [tool("versitygw"), f"--port={found.endpoint}", f"--region={REGION}", "--quiet"]
    process = Process(
        "versitygw",
        [*command, "posix", "--nometa", str(found.bucket.parent)],
        folder / "versitygw.log",
        f"tcp://{found.endpoint}",
        env={"ROOT_ACCESS_KEY": KEY, "ROOT_SECRET_KEY": SECRET},
    )
    process.start()
    try:
        process.wait_ready(READY_WITHIN_SECONDS)
        yield found
    finally:
        process.stop()
