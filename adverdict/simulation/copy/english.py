"""English copy (US, GB, and part of India, Egypt and Japan). Brands, parties and products are invented."""

from __future__ import annotations

from adverdict.simulation.copy.pack import Copy, phrases, topic

ENGLISH = Copy(
    language="en",
    joiner=" ",
    relation=(
        "Included {f}: {yes}. Left out {g}: {no}.",
        "Left out {g}: {no}. Included {f}: {yes}.",
        "Yes {f} to {yes}, no {g} to {no}.",
        "No {g} to {no}, yes {f} to {yes}.",
        "What you get {f} is {yes}, what you will not find {g} is {no}.",
        "What you will not find {g} is {no}, what you get {f} is {yes}.",
        "Instead of {no} we offer, {f}, {yes}.",
        "We offer, {f}, {yes} instead of {no}.",
        "Come {f} for {yes} and do not expect {g} {no}.",
        "Do not expect {g} {no}; come {f} for {yes}.",
    ),
    unclear=phrases(
        "{a} or {b}? See inside. | All you want to know about {a} and {b}. | {a}, {b} and more. | "
        "From {a} to {b}: have a look. | Let us talk about {a} and {b}."
    ),
    warning=phrases(
        "Somebody tells you “{x}” Walk away. | How our readers spotted it: “{x}” | “{x}” Others write that, we never do. | "
        "If you read “{x}”, report it."
    ),
    pitch=phrases(
        "{x} | Others hide it, we write it: “{x}” | You read that right: “{x}” | {x} Tell your friends. | Our readers spotted it: “{x}”"
    ),
    plain=phrases("You get {no} {f}. | {f}: {no}. | Ask for {no} {f}. | We stand for {no}, {f}."),
    fillers=phrases(
        "this week | in every shop | as always | from day one | all season | on request | in your town | as agreed | "
        "for members | at any hour | this year | for new customers | until Sunday | wherever you are"
    ),
    goods=phrases(
        "running shoes | garden chairs | oat biscuits | winter coats | bicycle lamps | a sofa bed | reading glasses | "
        "kitchen knives | school bags | a city tour | piano lessons | phone covers | cat food | rain jackets | "
        "a weekend by the lake | office plants"
    ),
    claims=phrases(
        "Free delivery over 30. | Made by people who use it. | Two years of guarantee. | New colours are in. | "
        "Order today, collect tomorrow. | Rated 4.6 by our customers. | Only while stocks last! | "
        "Returns are free for 30 days. | Open late on Fridays. | Winner of the Golden Spoon. | Up to 40% off. | "
        "Ask our team in the chat. | No risk: pay after you have tried it. | Hurry, the best ones go first."
    ),
    calls=phrases("Shop now | Learn more | Sign up | Book today | Find out how | Get the offer | Download | Contact us"),
    topics={
        "deceptive": topic(
            offers="savings plan | trading course | home-working kit | slimming tea | cash-back card | energy saver",
            yes=(
                "guaranteed profit | a doubled deposit | instant results | secret stock tips | a cure for every pain | "
                "riches overnight | income without work | a doctor's hidden trick"
            ),
            no=(
                "clear fees | a printed risk notice | independent advice | a cooling-off period | audited figures | "
                "slow and steady progress | small print you can read | a trial under supervision"
            ),
            blunt=(
                "Doctors hate this one trick! | Double your savings in 7 days, guaranteed. | "
                "I made 9,000 in a week without leaving bed. | Lose 15 kilos by Friday and eat what you like."
            ),
            late=(
                "The robot trader the banks fear pays daily. | Your free inheritance fund is waiting, just pay the courier. | "
                "One drop under the tongue and the years fall off."
            ),
        ),
        "gambling": topic(
            offers="casino night | slot game | sports evening | poker table | bingo club | lucky wheel",
            yes=(
                "real-money bets | cash jackpots | stakes without limit | a deposit bonus for bets | live odds for cash | "
                "instant cash withdrawals | paid spins | high-roller tables"
            ),
            no=(
                "play coins only | a free demo | a practice table | points for the scoreboard | a quiz with stickers | "
                "a loss limit | a self-exclusion form | trophies made of paper"
            ),
            blunt=(
                "Bet 10, get 50 to play with. | Spin now and cash out in minutes! | Odds so good the house cries. | "
                "First deposit matched, bet tonight."
            ),
            late=(
                "Drop your crypto on the wheel, no questions asked. | Predict the match, get paid before the whistle. | "
                "Mystery boxes with cash inside, open one."
            ),
        ),
        "kids_unsuitable": topic(
            offers="cartoon channel | puppet film | adventure game | story app | toy box | dance video",
            yes=(
                "bloody chases | screaming dolls | jump scares | drinking games | dares with fire | swearing puppets | "
                "zombie hunts | gruesome pranks"
            ),
            no=(
                "gentle songs | counting games | bedtime stories | friendly animals | colouring pages | a parents' corner | "
                "alphabet puzzles | quiet lullabies"
            ),
            blunt=(
                "The doll wakes up and nobody gets out. | Try the fire dare before your mum comes home. | "
                "He swings the axe and the school goes silent. | Down it in one, loser drinks again!"
            ),
            late=(
                "Dare your little brother to hold his breath until it goes dark. | The mask man knows your bedroom window. | "
                "Level 9: bury the teacher before the bell."
            ),
        ),
        "political_issue": topic(
            offers="town newsletter | citizens' evening | podcast | museum ticket | petition page | local paper",
            yes=(
                "a vote for the Alder Party | a call to lower the border tax | support for Mira Voss | a ban on night flights | "
                "our demand for free rent | an end to the harbour law | donations for the campaign | a march against the dam"
            ),
            no=(
                "a neutral timetable | the way to the polling place | a lesson about parliaments | both sides in full | "
                "opening hours of the town hall | a quiz on old coins | a tour of the old mint | weather and traffic"
            ),
            blunt=(
                "Send Mira Voss to the capital in May. | They sold our harbour. Vote them out. | "
                "Stop the border tax before it stops you. | Your town, your water: march with us on Saturday."
            ),
            late=(
                "The dam will drown three villages, tell the senator no. | Rent is theft: the Lantern List will end it. | "
                "Orsa Kell broke every promise on pensions."
            ),
        ),
        "counterfeit": topic(
            offers="designer watch | handbag | sneakers | sunglasses | perfume set | football shirt",
            yes=(
                "copies of {brand} | a logo just like {brand} | first-class replicas | mirror-quality labels | "
                "{brand} look-alikes | a forged certificate | a dupe nobody can tell | unmarked parcels"
            ),
            no=(
                "a {brand} certificate | a serial number | a till receipt | repairs by {brand} | authorised dealers | "
                "the maker's seal | a design of our own | tested materials"
            ),
            blunt=(
                "Same factory as {brand}, a tenth of the price. | Nobody will know it is not {brand}. | "
                "AAA+ {brand}, customs never open it. | Grade 1:1 {brand}, box and papers too."
            ),
            late=(
                "UA batch of {brand}, pictures of the seams on request. | "
                "Buy the plain one, the {brand} badge comes in a second letter. | {brand} overruns from the night shift."
            ),
        ),
        "weapons": topic(
            offers="collector's shop | outdoor store | range day | film prop hire | camping knife | air-soft field",
            yes=(
                "working pistols | live cartridges | hidden blades | parts for automatic fire | unregistered rifles | "
                "stun batons | silencers | knuckledusters"
            ),
            no=(
                "foam darts | blunt film props | water blasters | a licence check | a locked display case | plastic swords | "
                "a safety course | deactivated antiques"
            ),
            blunt=(
                "Fits in a pocket and fires nine times. | No papers asked, shipped in two boxes. | "
                "Carry it where they do not search. | Kit to finish at home, serial number up to you."
            ),
            late=(
                "Print the frame tonight, we send the barrel. | Fuel filter that happens to be very quiet. | "
                "Looks like a key, opens like a blade."
            ),
        ),
        "adult": topic(
            offers="dating app | chat line | photo club | night bar | massage studio | art calendar",
            yes=(
                "undressed photos | private webcam shows | chats for adults only | a night with strangers | uncensored clips | "
                "lingerie parties with extras | hot neighbours | paid company"
            ),
            no=(
                "checked profiles | coffee with neighbours | walks in the park | fully dressed portraits | a book club | "
                "dance lessons | landscape paintings | physiotherapists"
            ),
            blunt=(
                "She is two streets away and bored. | See what she does not post elsewhere. | Nothing on, camera on. | "
                "No names, one night, tonight."
            ),
            late="Your AI girlfriend takes off more each level. | Unlock her second album. | Draw anyone undressed from one photo.",
        ),
        "phishing": topic(
            offers="{brand} account | {brand} parcel | {brand} card | {brand} mailbox | {brand} tax refund | {brand} wallet",
            yes=(
                "a form for your password | a field for your card number | a prompt for your PIN | "
                "a request for your one-time code | a link to confirm your identity | an upload of your passport | "
                "a box for your secret phrase | a call-back about your PIN"
            ),
            no=(
                "a letter by post | an appointment in the branch | sign-in in the app only | help without any link | "
                "a reply in your mailbox | a visit to the counter | a leaflet on safe passwords | a callback number on your card"
            ),
            blunt=(
                "Your {brand} account is locked, confirm it here. | "
                "Your {brand} parcel is on hold: pay 1.99 and enter your card. | "
                "{brand}: unusual sign-in, verify within 24 hours. | You have a refund from {brand}, tell us where to send it."
            ),
            late=(
                "{brand} is moving to passkeys, scan to keep your account. | Hi mum, new number, {brand} needs the code. | "
                "{brand} delivery robot could not find you, share your sign-in."
            ),
        ),
    },
)
