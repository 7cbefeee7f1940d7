"""The service with the accelerator's spans and histograms, but with the stock worker."""

import runpy

globals().update(
    {
        name: value
        for name, value in runpy.run_path("gunicorn.conf.py").items()
        if not name.startswith("_")
    }
)
worker_class = "service.gunicorn.worker.Worker"
