"""A shop in FastAPI: a store that answers after 2 ms, a cache in front of it, and a function that computes on a thread."""

import asyncio
import hashlib
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel


class Product(BaseModel):
    """A product; `cents` is its price."""

    id: int
    name: str
    cents: int


class Line(BaseModel):
    """Pieces of a product in an order."""

    product: int
    pieces: int


class Store:
    """500 products, each 2 ms away."""

    def __init__(self):
        self.products = {n: Product(id=n, name=f"tea number {n}", cents=100 + n) for n in range(1, 501)}

    async def fetch(self, id_):
        """Return a product; None if there is none."""
        await asyncio.sleep(0.002)
        return self.products.get(id_)


@asynccontextmanager
async def lifespan(app):
    """Open the store when the server starts."""
    app.state.store = Store()
    yield


app = FastAPI(lifespan=lifespan)
cache: dict[int, Product] = {}


async def find(id_):
    """Return a product from the cache, or else from the store."""
    if id_ not in cache and (found := await app.state.store.fetch(id_)) is not None:
        cache[id_] = found
    if id_ not in cache:
        raise HTTPException(404)
    return cache[id_]


@app.get("/products/{id_}")
async def product(id_: int) -> Product:
    """Show a product."""
    return await find(id_)


@app.post("/orders", status_code=201)
async def order(lines: list[Line]) -> dict[str, int]:
    """Add up an order; its products are fetched at the same time."""
    products = await asyncio.gather(*(app.state.store.fetch(line.product) for line in lines))
    return {
        "cents": sum(found.cents * line.pieces for found, line in zip(products, lines, strict=True) if found)
    }


@app.get("/labels/{id_}")
def label(id_: int) -> dict[str, str]:
    """Compute a label; Starlette calls a plain function on a thread."""
    return {"label": hashlib.pbkdf2_hmac("sha256", str(id_).encode(), b"shop", 2_000).hex()}
