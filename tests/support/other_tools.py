"""Results as other tools write them."""

JTL_HEAD = (
    "timeStamp,elapsed,label,responseCode,responseMessage,threadName,dataType,success,failureMessage,bytes"
)
K6_HEAD = "metric_name,timestamp,metric_value,check,error,error_code,expected_response,group,method,name,proto,status"


def written(folder, name, text):
    path = folder / name
    path.write_text(text)
    return path


def jtl(*rows):
    lines = [
        f'{1_600_000_000_000 + n},{ms},{label},200,OK,t 1-1,text,{ok},"a, b",1'
        for n, (label, ms, ok) in enumerate(rows)
    ]
    return "\n".join([JTL_HEAD, *lines, ""])


def document(**more):
    stats = {"min": 1e-6, "q1": 1e-6, "median": 2e-6, "q3": 3e-6, "max": 9e-6, "mean": 2.5e-6, "stddev": 1e-6}
    one = {
        "fullname": "test_a.py::test_x",
        "name": "test_x",
        "stats": {**stats, "rounds": 50, "iterations": 10},
    }
    return {"benchmarks": [one], "version": "5.1.0", **more}
