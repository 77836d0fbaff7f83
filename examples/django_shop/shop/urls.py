"""The addresses of the shop."""

from django.urls import path

from shop import views

urlpatterns = [
    path("products/", views.search, name="search"),
    path("products/<int:pk>/", views.product, name="product"),
    path("products/<int:pk>/raise/", views.raise_price, name="raise"),
]
