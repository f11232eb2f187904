"""The drawing of an explanation: as a report, one file of HTML, and on the service's page."""

from perplexity_detector.web.report import report_html

__all__ = ["report_html"]
