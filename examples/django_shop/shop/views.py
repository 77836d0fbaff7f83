"""The pages of the shop."""

from django.db.models import F
from django.http import JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from shop.models import Product


def search(request):
    """Show the twenty cheapest products whose name contains `q`."""
    products = Product.objects.filter(name__icontains=request.GET.get("q", "")).order_by("cents")[:20]
    return render(request, "products.html", {"products": products, "mean_cents": mean_price(products)})


def mean_price(products):
    """Return the mean price in cents."""
    prices = [product.cents for product in products]
    return sum(prices) / len(prices) if prices else 0


def product(request, pk):
    """Return a product as JSON."""
    found = get_object_or_404(Product, pk=pk)
    return JsonResponse({"id": found.pk, "name": found.name, "cents": found.cents})


@csrf_exempt
@require_POST
def raise_price(request, pk):
    """Make a product one cent dearer."""
    return JsonResponse({"changed": Product.objects.filter(pk=pk).update(cents=F("cents") + 1)})
