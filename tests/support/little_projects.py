"""Little projects, written as {path: text}."""

import json
import textwrap


def write(folder, files):
    """Write the files, and return the folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"))
    return folder


def lines(proposal):
    """Return the requests that a proposal writes."""
    return [json.loads(line) for line in proposal.new_files["requests.jsonl"].splitlines()]


DJANGO = {
    "manage.py": """
        import os
        if __name__ == "__main__":
            os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
        """,
    "mysite/__init__.py": "",
    "mysite/settings.py": 'ROOT_URLCONF = "mysite.urls"\n',
    "mysite/urls.py": """
        from django.contrib import admin
        from django.urls import include, path, re_path
        from polls import views
        urlpatterns = [path("admin/", admin.site.urls), path("", views.home), path("polls/", include("polls.urls"))]
        urlpatterns += [re_path(r"^old/(?P<year>[0-9]{4})/?$", views.year), re_path(r"^(a|b)+$", views.odd)]
        """,
    "mysite/wsgi.py": """
        import os
        from django.core.wsgi import get_wsgi_application
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
        application = get_wsgi_application()
        """,
    "mysite/asgi.py": """
        import os
        from django.core.asgi import get_asgi_application
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
        application = get_asgi_application()
        """,
    "polls/__init__.py": "",
    "polls/urls.py": """
        from django.urls import path
        from . import views
        app_name = "polls"
        urlpatterns = [path("<int:pk>/", views.one, name="one"), path("key/<uuid:key>", views.key)]
        """,
    "polls/views.py": "",
}
SAM = {
    "template.yaml": """
        AWSTemplateFormatVersion: '2010-09-09'
        Transform: AWS::Serverless-2016-10-31
        Globals:
          Function:
            Runtime: python3.12
            Timeout: 3
        Resources:
          Table:
            Type: AWS::DynamoDB::Table
          Sweeper:
            Type: AWS::Serverless::Function
            Properties:
              CodeUri: orders/
              Handler: app.sweep   # every night
          Orders:
            Type: AWS::Serverless::Function
            Properties:
              Description: >
                Handler: nothing.of_this
              CodeUri: orders/
              Handler: app.lambda_handler
              Policies:
                - DynamoDBReadPolicy:
                    TableName: !Ref Table
              Events:
                List:
                  Type: Api
                  Properties:
                    Path: /orders
                    Method: get
                One:
                  Type: HttpApi
                  Properties: {Path: "/orders/{id}", Method: GET}
                Make:
                  Type: Api
                  Properties:
                    Path: /orders
                    Method: post
        """,
    "orders/app.py": """
        def lambda_handler(event, context): ...
        def sweep(event, context): ...
        """,
}
