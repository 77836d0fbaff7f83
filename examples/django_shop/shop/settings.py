"""Settings of the shop: no sessions, no accounts, a database in a temporary folder."""

import tempfile
from pathlib import Path

folder = tempfile.TemporaryDirectory(prefix="django-shop-")

ALLOWED_HOSTS = ["localhost", "127.0.0.1", "testserver"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": Path(folder.name, "shop.sqlite3")}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["shop"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "shop.urls"
SECRET_KEY = "an example has nothing to protect"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
