"""A shop in Flask: products in SQLite, baskets and the customers who have logged in in memory."""

import secrets
import sqlite3
import tempfile
from pathlib import Path

from flask import Flask, abort, jsonify, request

app = Flask(__name__)
folder = tempfile.TemporaryDirectory(prefix="flask-shop-")
baskets: dict[str, dict[int, int]] = {}
customers: dict[str, str] = {}


def connect():
    """Return a connection to the database; the caller closes it."""
    database = sqlite3.connect(Path(folder.name, "shop.sqlite3"))
    database.row_factory = sqlite3.Row
    return database


def fill():
    """Write 500 products."""
    database = connect()
    with database:
        database.execute("CREATE TABLE product (id INTEGER PRIMARY KEY, name TEXT, cents INTEGER)")
        rows = [(number, f"tea number {number}", 100 + number) for number in range(1, 501)]
        database.executemany("INSERT INTO product VALUES (?, ?, ?)", rows)
    database.close()


fill()


def select(where, *values):
    """Return the products that a condition selects."""
    database = connect()
    try:
        return [dict(row) for row in database.execute(f"SELECT * FROM product WHERE {where}", values)]
    finally:
        database.close()


def price_of(basket):
    """Return the price of a basket in cents, with 10 % off from ten pieces of a product."""
    prices = {product["id"]: product["cents"] for product in select("1")}
    return sum(prices[id_] * pieces * (90 if pieces >= 10 else 100) // 100 for id_, pieces in basket.items())


@app.get("/products")
def search():
    """Find products by a part of the name."""
    return select("name LIKE ? ORDER BY cents LIMIT 20", f"%{request.args.get('q', '')}%")


@app.get("/products/<int:id_>")
def product(id_):
    """Show a product."""
    found = select("id = ?", id_)
    return found[0] if found else abort(404)


@app.post("/baskets/<name>")
def put(name):
    """Put pieces of a product into a basket: the new number replaces the old one."""
    basket = baskets.setdefault(name, {})
    basket[int(request.json["product"])] = int(request.json["pieces"])
    return {"products": len(basket), "cents": price_of(basket)}, 201


@app.post("/login")
def login():
    """Give a customer a token, and a cookie with the language of the shop."""
    name, password = request.json["name"], request.json["password"]
    if password != f"{name} likes tea":
        abort(401)
    token = secrets.token_hex()
    customers[token] = name
    answer = jsonify(token=token)
    answer.set_cookie("language", "en")
    return answer


@app.get("/basket")
def basket():
    """Show the basket of the customer who has logged in."""
    name = customers.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
    if name is None or request.cookies.get("language") != "en":
        abort(401)
    return {"customer": name, "cents": price_of(baskets.get(name, {}))}
