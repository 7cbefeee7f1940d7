"""The work of the pipeline on telemetry of any sender."""

from stack.stack import Stack

from tests.e2e.backends import Backends, eventually
from tests.e2e.sender import now, write_log

TRACE = "0af7651916cd43dd8448eb211c80319c"
LINE = {
    "timestamp": now(),
    "level": "warning",
    "event": "probe.happened",
    "logger": "probe",
    "service": "probe",
    "request_id": "r-1",
    "trace_id": TRACE,
    "span_id": "b7ad6b7169203331",
    "http_response_status_code": 503,
}


def test_a_log_line_becomes_one_whole_record(pipeline: Stack, backends: Backends) -> None:
    write_log(pipeline.site.pods, "whole", {**LINE, "service": "whole"})
    query = f'{{service_name="whole"}} | trace_id="{TRACE}"'
    [record] = eventually(lambda: backends.logs(query))
    assert record.pop("observed_timestamp")
    assert record == {
        "body": "probe.happened",
        "service_name": "whole",
        "deployment_environment_name": "local",
        "k8s_namespace_name": "local",
        "k8s_pod_name": "whole-0",
        "k8s_pod_uid": "00000000-0000-0000-0000-000000000000",
        "k8s_container_name": "whole",
        "k8s_container_restart_count": "0",
        "severity_text": "warning",
        "severity_number": "13",
        "detected_level": "warn",
        "log_iostream": "stdout",
        "logtag": "F",
        "logger": "probe",
        "request_id": "r-1",
        "trace_id": TRACE,
        "span_id": LINE["span_id"],
        "http_response_status_code": "503",
    }


def test_a_line_that_is_not_json_is_kept(pipeline: Stack, backends: Backends) -> None:
    write_log(pipeline.site.pods, "plain", "Fatal Python error: {not json", '{"torn":')
    query = '{k8s_namespace_name="local"} | k8s_container_name="plain"'
    eventually(lambda: len(backends.logs(query)) == 2)
    assert sorted(record["body"] for record in backends.logs(query)) == [
        "Fatal Python error: {not json",
        '{"torn":',
    ]
