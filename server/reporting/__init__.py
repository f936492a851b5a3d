"""The way of a report: accepting it, delivering it, telling its reporter."""
