"""Drawings of an explanation: the report, a self-contained HTML file, and the service's page."""

from perplexity_detector.web.report import embedded_in, report_html

__all__ = ["embedded_in", "report_html"]
