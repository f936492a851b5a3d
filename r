 ⚑ The Harbour                      # Lobby                     ● online as ada

  CHANNELS          Inés ⚓  13:24                                         ⚑
  # Lobby           I noticed. I was the one waiting with the rope. 😄
  # Worksh…  3
  # Galley   2      小林  13:24                                            ⚑
                    おはようございます！ メロンパン are out of the oven:
                    six left, five, ...
                                                                             ▃
                    old pike  13:24                                        ⚑
                    Tide table says 07:42. The tide says otherwise.

                  ▌ juniper  13:24                                         ⚑
                  ▌ Both are right, see https://tides.example/today (I
                  ▌ changed the clock, not the sea).

                    Lucky Deals  13:24                                     ⚑
                    🎁 CONGRATULATIONS!!! You were chosen for a FREE gold
                    compass! Enter your password here within 10 minutes:
                    http://free-gold-compass.example/claim?id=7781
                  ╭───────────────────────────────────────────────────────────╮
                  │ Write a message                                           │
                  ╰───────────────────────────────────────────────────────────╯
 r Report p Profile w Direct esc Write ^o People ^r Reports ^g Commands ^q Quit
