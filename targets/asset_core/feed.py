"""A vulnerability feed: affected versions by product, with severity and exploitability."""

import random

import msgspec

FEED_SIZE = 400
PRODUCTS = (
    ("nginx", "F5", "web server"),
    ("Apache httpd", "Apache", "web server"),
    ("OpenSSH", "OpenBSD", "remote access"),
    ("OpenSSL", "OpenSSL", "library"),
    ("PostgreSQL", "PostgreSQL", "database"),
    ("MySQL", "Oracle", "database"),
    ("Redis", "Redis", "database"),
    ("Exchange", "Microsoft", "mail"),
    ("Postfix", "Postfix", "mail"),
    ("Jenkins", "Jenkins", "build"),
    ("GitLab", "GitLab", "build"),
    ("WordPress", "Automattic", "content"),
    ("Drupal", "Drupal", "content"),
    ("Confluence", "Atlassian", "content"),
    ("Log4j", "Apache", "library"),
    ("Spring", "VMware", "library"),
    ("FortiOS", "Fortinet", "firewall"),
    ("PAN-OS", "Palo Alto", "firewall"),
    ("Citrix ADC", "Citrix", "gateway"),
    ("MOVEit", "Progress", "file transfer"),
    ("Kubernetes", "CNCF", "orchestration"),
    ("Docker", "Docker", "orchestration"),
    ("Grafana", "Grafana Labs", "monitoring"),
    ("Größenwächter", "Müller & Söhne", "monitoring"),
)
"""Products as (name, vendor, category); one name outside ASCII, as in real inventories."""

WEAKNESSES = (
    "remote code execution", "SQL injection", "path traversal", "authentication bypass", "denial of service",
    "information disclosure", "cross-site scripting", "privilege escalation", "request smuggling", "use after free",
)  # fmt: skip


class Vulnerability(msgspec.Struct, frozen=True, gc=False):
    """One entry of the feed. Versions from `first_affected` up to, not including, `first_fixed` are affected."""

    cve: str
    product: str
    title: str
    cvss: float
    exploitability: str
    first_affected: str
    first_fixed: str


def make_feed(seed: int) -> tuple[Vulnerability, ...]:
    """Return the feed of a seed: most entries of medium severity, few critical, few known to be exploited."""
    rng = random.Random(f"{seed}/feed")
    return tuple(_entry(number, rng) for number in range(FEED_SIZE))


def severity_of(cvss: float) -> str:
    """Return the CVSS v3 rating of a score."""
    for floor, severity in ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low")):
        if cvss >= floor:
            return severity
    return "none"


def _entry(number: int, rng: random.Random) -> Vulnerability:
    product = PRODUCTS[int(len(PRODUCTS) * rng.random() ** 1.5)][0]
    cvss = round(1.0 + 9.0 * rng.betavariate(2.4, 2.8), 1)
    chance = rng.random() * (1.6 if cvss < 7 else 1.0)
    exploitability = "known_exploited" if chance < 0.06 else "proof_of_concept" if chance < 0.3 else "none"
    major = rng.randint(1, 12)
    return Vulnerability(
        cve=f"CVE-{rng.randint(2016, 2025)}-{10_000 + number}",
        product=product,
        title=f"{product}: {rng.choice(WEAKNESSES)}",
        cvss=cvss,
        exploitability=exploitability,
        first_affected=f"{major}.0.0",
        first_fixed=f"{major + rng.randint(0, 2)}.{rng.randint(1, 20)}.{rng.randint(0, 9)}",
    )
