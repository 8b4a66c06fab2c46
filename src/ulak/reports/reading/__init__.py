"""Reading the reports of others: from a mail or a file to a value, within bounds.

Everything here is sent by strangers, to an address that anybody can find in DNS: what cannot be
read is a value too, with its trouble.
"""

from ulak.reports.reading.report import Report, read_file, read_mail
from ulak.reports.reading.trouble import Trouble, Unreadable

__all__ = ["Report", "Trouble", "Unreadable", "read_file", "read_mail"]
