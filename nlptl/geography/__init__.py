"""A made world of geography: one table of facts, three tasks, five parallel languages. It says so: it is synthetic.

`countries` and `others` hold the facts and the names, `english`, `german`, `spanish`, `french`, `japanese` the
sentences, `grammar` the forms of names in them. `described` and `plain` hold the templates, `items` deals them out to
splits, `writing` makes the texts, `database` the SQLite file.
"""
