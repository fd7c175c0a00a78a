"""What Prometheus can read: commands by kind and outcome, seconds, batches, the queue, the age of closing and cut."""

from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The figures of one door."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.commands = Counter("tiffin_commands", "Lines answered", ["type", "status", "code"], registry=self.registry)
        self.requests = Counter("tiffin_requests", "Requests answered", ["path", "status"], registry=self.registry)
        self.seconds = Histogram(
            "tiffin_request_seconds", "Seconds a request took", ["path"], buckets=SECONDS, registry=self.registry
        )
        self.batches = Histogram(
            "tiffin_batch_lines",
            "Lines posted together",
            buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000),
            registry=self.registry,
        )
        self.batch_seconds = Histogram(
            "tiffin_batch_seconds", "Seconds a batch took", buckets=SECONDS, registry=self.registry
        )
        self.waiting = Gauge("tiffin_waiting_lines", "Lines that wait for a writer", registry=self.registry)
        self.restarts = Gauge("tiffin_writer_restarts", "Writers that had to be started again", registry=self.registry)
        self.closed = Gauge("tiffin_closing_age_seconds", "Seconds since days were last closed", registry=self.registry)
        self.cut = Gauge("tiffin_cut_age_seconds", "Seconds since the latest cut", registry=self.registry)

        # To find a figure by its labels costs as much as to count.
        self.command = lru_cache(maxsize=1000)(self.commands.labels)
        self.request = lru_cache(maxsize=1000)(self.requests.labels)
        self.took = lru_cache(maxsize=100)(self.seconds.labels)

    def observe_batch(self, size: int, seconds: float) -> None:
        """Count a batch that was posted."""
        self.batches.observe(size)
        self.batch_seconds.observe(seconds)

    def text(self) -> bytes:
        """Return all figures in Prometheus' text format."""
        return generate_latest(self.registry)
