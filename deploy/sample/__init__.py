"""A made outbreak to play through the door: Jiaxing, the morning of 5 March 2022 in Jiashan (Notice 003).

To read it: `counts` (how many of everything), `steps` (when), `places`, `people`, `scripts` (how each case comes to
light), `cast` and `meetings` (who meets whom), `stays` (who is kept where, how long), `story` (these put together);
then what the senders make of it: `canvass`, `pools`, `cases`, `exposures`, `caring`, `needs`, `blemishes` (what goes
wrong on the way), `duty`, `leads` and `vaccinations`, all of it `mail`, written by `generate`. `truth` says what must
come out, worked out from the records alone, without any service. Nobody in it is real: the division 330499 of the
numbers exists nowhere.
"""
