"""The sections of report.html, one module each: numbers become text and places here, and the
templates (templates/report) put them on the page.
"""
