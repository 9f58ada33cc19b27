"""Every shape that several wallets form, once as a small drawing, worked out by hand for wallet "w" and those beside it."""

from math import isnan

from samples.small_ledger import CYCLE, SCATTER, assert_features, fingerprint

HOUR = 3_600


def test_fans():
    """Three wallets pay w within an hour and w pays two on the days after.

    a ──10:00──╮
    b ──10:30──┼─► w ──2nd──► c
    a ──10:45──┤     ──9th──► d     seven days and a second after c
    e ──11:00──╯
    """
    got = fingerprint(
        """
        01 10:00:00 a w 1
        01 10:30:00 b w 1
        01 10:45:00 a w 1
        01 11:00:00 e w 1
        02 10:00:00 w c 1
        09 10:00:01 w d 1
        """
    )
    expected = {
        "structure__fan_in__1h": 3,  # from 10:30 on; from 10:00 on it is two, for e comes when the hour is over
        "structure__fan_in__7d": 3,
        "structure__fan_out__1h": 1,
        "structure__fan_out__7d": 1,
    }
    assert_features(got, expected)


def test_gather_scatter():
    """Gathers from three within a day, scatters to two in the next.

    a ─╮             ╭─► d
    b ─┼─► w ── … ───┤
    c ─╯             ╰─► e
    """
    lines = """
        01 00:00:00 a w 5
        01 12:00:00 b w 5
        01 23:59:59 c w 5
        02 10:00:00 w d 8
        02 20:00:00 w e 7
        """
    # at c's transfer: a, b and c within the day before, d and e within the day after
    assert fingerprint(lines)["structure__gather_scatter__1d"] == 2
    # an hour later a has gone, and d is all that follows within a day
    later = lines.replace("01 23:59:59", "02 00:59:59").replace("02 20:00:00 w e", "03 20:00:00 w e")
    assert fingerprint(later)["structure__gather_scatter__1d"] == 1


def test_scatter_gather():
    """One source pays one target over three middles; each payment to w that finds another middle before it completes one.

         ╭─► y1 ─╮  11:00: one middle, nothing yet
    x ───┼─► y2 ─┼─► w  11:10: two
         ╰─► y3 ─╯  11:20: three
    """
    shape = "structure__scatter_gather__"
    assert_features(fingerprint(SCATTER), {f"{shape}target": 3, f"{shape}source": 0, f"{shape}truncated_share": 0})
    assert fingerprint(SCATTER, as_of="2021-03-01T11:20Z")[f"{shape}target"] == 2
    assert fingerprint(SCATTER, "x")[f"{shape}source"] == 3
    assert [fingerprint(SCATTER, y)[f"{shape}middle_share"] for y in ("y1", "y2", "y3")] == [0, 1, 1]


def test_temporal_cycle():
    """Comes back to where it set out from, later from hop to hop and within a day.

    a ──10:00──► b
    ▲            │ 11:00
    ╰──09:59──── c     the next day, a second before a day is over
    """
    shape = "structure__cycle__"
    a, b, c = (fingerprint(CYCLE, wallet) for wallet in "abc")
    assert_features(a, {f"{shape}returned_share": 1, f"{shape}closed_share": 0, f"{shape}shortest": 3})
    assert_features(b, {f"{shape}returned_share": 0, f"{shape}closed_share": 0})
    assert_features(c, {f"{shape}returned_share": 0, f"{shape}closed_share": 1, f"{shape}shortest": 3})
    assert isnan(b[f"{shape}shortest"])
    for other in (("02 09:59:59", "02 10:00:00"), ("01 11:00:00", "01 10:00:00")):  # too late; or both at once
        assert fingerprint(CYCLE.replace(*other), "a")[f"{shape}returned_share"] == 0


def test_relay_chain():
    """One sum goes through four hands; a payment of another size begins anew.

    a ─100─► b ─99─► w ─98─► d ─97─► e
                     │
                     ╰─50─► f
    """
    lines = """
        01 10:00:00 a b 100
        01 11:00:00 b w 99
        01 12:00:00 w d 98
        01 13:00:00 d e 97
        01 14:00:00 w f 50
        """
    chain = "structure__relay__"
    assert_features(
        fingerprint(lines), {f"{chain}longest_in": 2, f"{chain}longest_out": 3, f"{chain}truncated_share": 0}
    )
    assert fingerprint(lines, "e")[f"{chain}longest_in"] == 4
    assert fingerprint(lines, "f")[f"{chain}longest_in"] == 1
    assert (
        fingerprint(lines.replace("w d 98", "w d 89"))[f"{chain}longest_out"] == 1
    )  # 89 of 99 is less than nine tenths


def test_peel_chain_over_four_wallets():
    """Each passes on nearly all it got and peels a little off.

    p ─100─► w1 ─95─► w2 ─91─► w3 ─87─► w4 ─84─► end
              ╰4► s1   ╰3► s2   ╰3► s3   ╰2► s4
    """
    lines = """
        01 10:00:00 p w1 100
        01 10:01:00 w1 s1 4
        01 10:02:00 w1 w2 95
        01 11:00:00 w2 w3 91
        01 11:01:00 w2 s2 3
        01 12:00:00 w3 s3 3
        01 12:01:00 w3 w4 87
        02 12:00:00 w4 end 84
        02 12:01:00 w4 s4 2
        """
    longest = [fingerprint(lines, f"w{i}")["structure__peel_chain__longest"] for i in (1, 2, 3, 4)]
    # w2 peels off after it passed on: w3 got its 91 before that step was complete, but w3's own step is complete later
    assert longest == [1, 2, 3, 4]
    assert_features(fingerprint(lines, "w4"), {"structure__peel_chain__share": 1})
    assert fingerprint(lines, "s4")["structure__peel_chain__longest"] == 0
    thick = lines.replace("w2 s2 3", "w2 s2 9.2")  # not less than a tenth of 91
    assert [fingerprint(thick, w)["structure__peel_chain__longest"] for w in ("w2", "w3", "w4")] == [0, 1, 2]


def test_deposit_address():
    """An address that passes all it gets on to an exchange, and that two customers pay into.

    a ──►╮
         d ══► exchange        w also pays a shop
    w ──►╯
    """
    lines = """
        01 10:00:00 a d 5
        01 11:00:00 d exchange 5
        02 10:00:00 w d 7
        02 11:00:00 d exchange 7
        02 12:00:00 w shop 1
        """
    place = "structure__deposit__"
    assert_features(fingerprint(lines), {f"{place}share": 1 / 2, f"{place}shared_share": 1 / 2, f"{place}senders": 1})
    assert fingerprint(lines, "a")[f"{place}share"] == 0  # it had sent nothing on yet
    shop_too = lines.replace("01 11:00:00 d exchange 5", "01 11:00:00 d exchange 4\n01 11:30:00 d shop 1")
    assert fingerprint(shop_too)[f"{place}share"] == 0


def test_siblings_of_one_gas_funder():
    """One wallet gives three others their first gas; w gets its loot in dollars and pays a sibling.

             ╭─0.1─► w ─0.03─► x      victim ─500 USDT─► w
    gas ─────┼─0.1─► x ◄─0.1─ gas     w ─0.05─► gas
             ╰─0.1─► y  two days later
    """
    lines = """
        01 09:00:00 boss gas 1
        01 10:00:00 gas w 0.1
        01 11:00:00 gas x 0.1
        01 12:00:00 victim w 500 asset=USDT
        01 13:00:00 w x 0.03
        01 14:00:00 w gas 0.05
        01 15:00:00 gas x 0.1
        03 10:00:00 gas y 0.1
        """
    expected = {
        "funding__siblings__1d": 1,  # x; y came two days later
        "funding__funder__new_share": 3 / 4,  # w, x and y, and x once more
        "funding__funder__receivers": 0,
        "funding__funder__young_flag": 1,
        "funding__first_in__share": 1,
        "funding__next__other_asset_flag": 1,
        "funding__return__share": 0.05 / 0.08,
        "funding__from__share": 1 / 2,
        "funding__first_out__delay": 3 * HOUR,
        "funding__payees__share": 1 / 2,  # x has the same funder, gas has not
        "funding__depth__hops": 2,  # boss funded gas an hour before
    }
    assert_features(fingerprint(lines), expected)
    assert fingerprint(lines, "x")["funding__siblings__1d"] == 1
    assert fingerprint(lines, "y")["funding__funder__receivers"] == 2
    assert fingerprint(lines, "boss")["funding__depth__hops"] == 0
    # a second sender in the same second: no funder
    assert isnan(fingerprint(lines + "01 10:00:00 other w 9")["funding__siblings__1d"])


def test_chain_of_fresh_wallets():
    """boss ──1st──► a ──2nd──► b ──3rd──► w: each was funded less than a week before it funded the next."""
    lines = """
        01 00:00:00 boss a 9
        02 00:00:00 a b 8
        03 00:00:00 b w 7
        """
    assert [fingerprint(lines, wallet)["funding__depth__hops"] for wallet in ("boss", "a", "b", "w")] == [0, 1, 2, 3]
    week_old = lines.replace("03 00:00:00", "09 00:00:00")
    assert fingerprint(week_old)["funding__depth__hops"] == 3
    older = lines.replace("03 00:00:00", "09 00:00:01")
    assert fingerprint(older)["funding__depth__hops"] == 1


def test_new_receivers():
    """Two wallets get their first money from w, a third had got some before.

          ╭─2─► new         z ─1─► old
    w ────┼─3─► newer  a day later
          ╰─5─► old
    """
    lines = """
        01 09:00:00 z old 1
        01 10:00:00 w new 2
        02 10:00:00 w newer 3
        02 11:00:00 w old 5
        """
    new = "structure__new_receivers__"
    assert_features(fingerprint(lines), {f"{new}share": 2 / 3, f"{new}value_share": 5 / 10, f"{new}1d": 1})
    assert fingerprint(lines.replace("02 10:00:00 w", "02 09:59:59 w"))[f"{new}1d"] == 2


def test_reach_over_two_hops():
    """What w's receiver paid within a week of w's payment, and who had paid w's sender within a week before.

    p ──2nd──► q ──8th──► w ──8th──► a ──9th──► b, c
    o ──1st───╯                      ╰──16th──► d   too late
    """
    lines = """
        01 09:59:59 o q 1
        02 10:00:00 p q 1
        08 10:00:00 q w 1
        08 11:00:00 w a 1
        09 10:00:00 a b 0.1
        09 11:00:00 a c 0.1
        09 12:00:00 a w 0.1
        15 11:00:00 a d 0.1
        """
    reach = fingerprint(lines, as_of="2021-03-20")
    # in: q got from p within a week before the 8th (o's was earlier); a, which paid w too, got only from w
    expected = {
        "structure__two_hop_out__reach": 2,
        "structure__two_hop_in__reach": 1,
        "structure__two_hop__truncated_share": 0,
    }
    assert_features(reach, expected)
    assert fingerprint(lines, as_of="2021-03-09T11:00Z")["structure__two_hop_out__reach"] == 1
    assert (
        fingerprint(lines.replace("15 11:00:00", "15 10:59:59"), as_of="2021-03-20")["structure__two_hop_out__reach"]
        == 3
    )
