"""Django's settings for mypy alone: the apps of every service, so that it knows all models."""

from importlib import import_module

from service.environment import ServerEnvironment

from tests.service import ROOT

# The settings module of a service has these names beside Django's.
SERVICE: str
ENVIRONMENT: ServerEnvironment

_files = sorted(ROOT.glob("services/*/*/settings.py"))
_of_each = [vars(import_module(f"{file.parent.name}.settings")) for file in _files]
for _settings in _of_each:
    globals().update({name: value for name, value in _settings.items() if name.isupper()})
INSTALLED_APPS = list(dict.fromkeys(app for each in _of_each for app in each["INSTALLED_APPS"]))
