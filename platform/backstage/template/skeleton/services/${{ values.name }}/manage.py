"""The service's commands: `manage.py help` lists them."""

import os
import sys

import telemetry
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "${{ values.package }}.settings")
    # Standard output belongs to the command; what is logged goes to standard error.
    telemetry.configure_logging(service="${{ values.name }}", stream=sys.stderr)
    execute_from_command_line(sys.argv)
