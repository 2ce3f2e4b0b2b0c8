"""The rules proved by enumeration: every situation that a decision may be taken in, one by one.

`facts` says what a decision depends on and in which words, `situations` makes every combination of them and has the
rules judge it. That nothing else counts is not believed: `test_the_space_is_complete` watches the rules read.
"""
