"""A made outbreak to play through the door: Jiaxing, the morning of 5 March 2022 in Jiashan (Notice 003).

Read in this order: `counts` (how many of everything), `steps` (when), `places`, `people`, `scripts` (how each case comes
to light), `cast` (who meets whom), `canvass`, `pools`, `cases`, `exposures`, `stays` (what the senders send), `blemishes`
(what goes wrong on the way), `mail` (the records), `generate` (all of it). `truth` says what must come out of it, worked
out from the records alone and without any service. Nobody in it is real: the division 330499 of the numbers exists
nowhere.
"""
