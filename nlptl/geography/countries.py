"""Countries: facts and names, as public knowledge has them, typed by us.

People about 2020, rounded to 100,000 (the estimates of the United Nations of that time); areas in km², rounded to 100,
France and Denmark without their parts overseas. Borders are those of the main territory between countries that stand
here; languages are the official ones (or those used as such) that most people speak, not all of them.
"""

FACTS = """
Germany | Berlin | Europe | 83.8 | 357600 | German | Austria, Belgium, Czech Republic, Denmark, France, Netherlands, \
Poland, Switzerland
France | Paris | Europe | 65.3 | 551500 | French | Belgium, Italy, Spain, Switzerland
Spain | Madrid | Europe | 46.8 | 506000 | Spanish | Portugal
Portugal | Lisbon | Europe | 10.2 | 92200 | Portuguese |
Italy | Rome | Europe | 60.5 | 301300 | Italian | Austria, Switzerland
Switzerland | Bern | Europe | 8.7 | 41300 | German, French, Italian | Austria
Austria | Vienna | Europe | 9.0 | 83900 | German | Czech Republic, Hungary, Slovakia
Poland | Warsaw | Europe | 37.8 | 312700 | Polish | Czech Republic, Slovakia, Ukraine, Russia
Czech Republic | Prague | Europe | 10.7 | 78900 | Czech | Slovakia
Slovakia | Bratislava | Europe | 5.5 | 49000 | Slovak | Hungary, Ukraine
Hungary | Budapest | Europe | 9.7 | 93000 | Hungarian | Romania, Ukraine
Netherlands | Amsterdam | Europe | 17.1 | 41500 | Dutch | Belgium
Belgium | Brussels | Europe | 11.6 | 30500 | Dutch, French, German |
Denmark | Copenhagen | Europe | 5.8 | 43100 | Danish |
Sweden | Stockholm | Europe | 10.1 | 450300 | Swedish | Norway, Finland
Norway | Oslo | Europe | 5.4 | 385200 | Norwegian | Finland, Russia
Finland | Helsinki | Europe | 5.6 | 338400 | Finnish, Swedish | Russia
United Kingdom | London | Europe | 67.9 | 242900 | English | Ireland
Ireland | Dublin | Europe | 4.9 | 70300 | English, Irish |
Romania | Bucharest | Europe | 19.2 | 238400 | Romanian | Bulgaria, Ukraine
Bulgaria | Sofia | Europe | 6.9 | 111000 | Bulgarian | Greece, Turkey
Greece | Athens | Europe | 10.4 | 132000 | Greek | Turkey
Ukraine | Kyiv | Europe | 43.7 | 603500 | Ukrainian | Russia
Russia | Moscow | Europe | 145.9 | 17098200 | Russian | China, Kazakhstan
Turkey | Ankara | Asia | 84.3 | 783600 | Turkish | Iran
Iran | Tehran | Asia | 84.0 | 1648200 | Persian | Pakistan
Kazakhstan | Astana | Asia | 18.8 | 2724900 | Kazakh, Russian | China
China | Beijing | Asia | 1439.3 | 9597000 | Chinese | India, Laos, Myanmar, Nepal, Pakistan, Vietnam
India | New Delhi | Asia | 1380.0 | 3287300 | Hindi, English | Myanmar, Nepal, Pakistan
Pakistan | Islamabad | Asia | 220.9 | 881900 | Urdu, English |
Nepal | Kathmandu | Asia | 29.1 | 147200 | Nepali |
Myanmar | Naypyidaw | Asia | 54.4 | 676600 | Burmese | Laos, Thailand
Thailand | Bangkok | Asia | 69.8 | 513100 | Thai | Cambodia, Laos
Laos | Vientiane | Asia | 7.3 | 236800 | Lao | Cambodia, Vietnam
Cambodia | Phnom Penh | Asia | 16.7 | 181000 | Khmer | Vietnam
Vietnam | Hanoi | Asia | 97.3 | 331200 | Vietnamese |
Indonesia | Jakarta | Asia | 273.5 | 1904600 | Indonesian | Papua New Guinea
Japan | Tokyo | Asia | 126.5 | 378000 | Japanese |
Egypt | Cairo | Africa | 102.3 | 1001500 | Arabic | Sudan
Sudan | Khartoum | Africa | 43.8 | 1861500 | Arabic, English | Chad, Ethiopia, South Sudan
South Sudan | Juba | Africa | 11.2 | 644300 | English | Democratic Republic of the Congo, Ethiopia, Kenya, Uganda
Ethiopia | Addis Ababa | Africa | 115.0 | 1104300 | Amharic | Kenya
Kenya | Nairobi | Africa | 53.8 | 580400 | Swahili, English | Tanzania, Uganda
Uganda | Kampala | Africa | 45.7 | 241000 | English, Swahili | Democratic Republic of the Congo, Tanzania
Tanzania | Dodoma | Africa | 59.7 | 947300 | Swahili, English | Democratic Republic of the Congo
Democratic Republic of the Congo | Kinshasa | Africa | 89.6 | 2344900 | French |
Chad | N'Djamena | Africa | 16.4 | 1284000 | Arabic, French | Niger, Nigeria
Niger | Niamey | Africa | 24.2 | 1267000 | French | Algeria, Nigeria
Nigeria | Abuja | Africa | 206.1 | 923800 | English |
Algeria | Algiers | Africa | 43.9 | 2381700 | Arabic | Morocco
Morocco | Rabat | Africa | 36.9 | 446600 | Arabic |
South Africa | Pretoria | Africa | 59.3 | 1219100 | English, Afrikaans |
United States | Washington | North America | 331.0 | 9833500 | English | Canada, Mexico
Canada | Ottawa | North America | 37.7 | 9984700 | English, French |
Mexico | Mexico City | North America | 128.9 | 1964400 | Spanish | Guatemala
Guatemala | Guatemala City | North America | 17.9 | 108900 | Spanish |
Cuba | Havana | North America | 11.3 | 109900 | Spanish |
Brazil | Brasília | South America | 212.6 | 8515800 | Portuguese | Argentina, Bolivia, Colombia, Paraguay, Peru, \
Uruguay, Venezuela
Argentina | Buenos Aires | South America | 45.2 | 2780400 | Spanish | Bolivia, Chile, Paraguay, Uruguay
Colombia | Bogotá | South America | 50.9 | 1141700 | Spanish | Ecuador, Peru, Venezuela
Peru | Lima | South America | 33.0 | 1285200 | Spanish | Bolivia, Chile, Ecuador
Venezuela | Caracas | South America | 28.4 | 912100 | Spanish |
Chile | Santiago | South America | 19.1 | 756100 | Spanish | Bolivia
Ecuador | Quito | South America | 17.6 | 256400 | Spanish |
Bolivia | Sucre | South America | 11.7 | 1098600 | Spanish | Paraguay
Paraguay | Asunción | South America | 7.1 | 406800 | Spanish, Guarani |
Uruguay | Montevideo | South America | 3.5 | 176200 | Spanish |
Australia | Canberra | Oceania | 25.5 | 7692000 | English |
New Zealand | Wellington | Oceania | 4.8 | 268000 | English, Maori |
Papua New Guinea | Port Moresby | Oceania | 8.9 | 462800 | English |
"""
"""Country | capital | continent | millions of people | km² | languages | neighbours (each pair once)."""

NAMES = """
Germany | Deutschland | Alemania | Allemagne:f | ドイツ
France | Frankreich | Francia | France:f | フランス
Spain | Spanien | España | Espagne:f | スペイン
Portugal | Portugal | Portugal | Portugal:m | ポルトガル
Italy | Italien | Italia | Italie:f | イタリア
Switzerland | Schweiz:f | Suiza | Suisse:f | スイス
Austria | Österreich | Austria | Autriche:f | オーストリア
Poland | Polen | Polonia | Pologne:f | ポーランド
the Czech Republic | Tschechien | República Checa:f | République tchèque:f | チェコ
Slovakia | Slowakei:f | Eslovaquia | Slovaquie:f | スロバキア
Hungary | Ungarn | Hungría | Hongrie:f | ハンガリー
the Netherlands | Niederlande:pl:Niederlanden | Países Bajos:pl | Pays-Bas:pl | オランダ
Belgium | Belgien | Bélgica | Belgique:f | ベルギー
Denmark | Dänemark | Dinamarca | Danemark:m | デンマーク
Sweden | Schweden | Suecia | Suède:f | スウェーデン
Norway | Norwegen | Noruega | Norvège:f | ノルウェー
Finland | Finnland | Finlandia | Finlande:f | フィンランド
the United Kingdom | Großbritannien | Reino Unido:m | Royaume-Uni:m | イギリス
Ireland | Irland | Irlanda | Irlande:f | アイルランド
Romania | Rumänien | Rumanía | Roumanie:f | ルーマニア
Bulgaria | Bulgarien | Bulgaria | Bulgarie:f | ブルガリア
Greece | Griechenland | Grecia | Grèce:f | ギリシャ
Ukraine | Ukraine:f | Ucrania | Ukraine:f | ウクライナ
Russia | Russland | Rusia | Russie:f | ロシア
Turkey | Türkei:f | Turquía | Turquie:f | トルコ
Iran | Iran:m | Irán | Iran:m | イラン
Kazakhstan | Kasachstan | Kazajistán | Kazakhstan:m | カザフスタン
China | China | China | Chine:f | 中国
India | Indien | India:f | Inde:f | インド
Pakistan | Pakistan | Pakistán | Pakistan:m | パキスタン
Nepal | Nepal | Nepal | Népal:m | ネパール
Myanmar | Myanmar | Birmania | Birmanie:f | ミャンマー
Thailand | Thailand | Tailandia | Thaïlande:f | タイ
Laos | Laos | Laos | Laos:m | ラオス
Cambodia | Kambodscha | Camboya | Cambodge:m | カンボジア
Vietnam | Vietnam | Vietnam | Vietnam:m | ベトナム
Indonesia | Indonesien | Indonesia | Indonésie:f | インドネシア
Japan | Japan | Japón | Japon:m | 日本
Egypt | Ägypten | Egipto | Égypte:f | エジプト
Sudan | Sudan:m | Sudán | Soudan:m | スーダン
South Sudan | Südsudan:m | Sudán del Sur | Soudan du Sud:m | 南スーダン
Ethiopia | Äthiopien | Etiopía | Éthiopie:f | エチオピア
Kenya | Kenia | Kenia | Kenya:m | ケニア
Uganda | Uganda | Uganda | Ouganda:m | ウガンダ
Tanzania | Tansania | Tanzania | Tanzanie:f | タンザニア
the Democratic Republic of the Congo | Demokratische Republik Kongo:f:Demokratischen Republik Kongo | \
República Democrática del Congo:f | République démocratique du Congo:f | コンゴ民主共和国
Chad | Tschad:m | Chad | Tchad:m | チャド
Niger | Niger:m | Níger | Niger:m | ニジェール
Nigeria | Nigeria | Nigeria | Nigeria:m | ナイジェリア
Algeria | Algerien | Argelia | Algérie:f | アルジェリア
Morocco | Marokko | Marruecos | Maroc:m | モロッコ
South Africa | Südafrika | Sudáfrica | Afrique du Sud:f | 南アフリカ
the United States | USA:pl:USA | Estados Unidos | États-Unis:pl | アメリカ合衆国
Canada | Kanada | Canadá | Canada:m | カナダ
Mexico | Mexiko | México | Mexique:m | メキシコ
Guatemala | Guatemala | Guatemala | Guatemala:m | グアテマラ
Cuba | Kuba | Cuba | Cuba | キューバ
Brazil | Brasilien | Brasil | Brésil:m | ブラジル
Argentina | Argentinien | Argentina | Argentine:f | アルゼンチン
Colombia | Kolumbien | Colombia | Colombie:f | コロンビア
Peru | Peru | Perú:m | Pérou:m | ペルー
Venezuela | Venezuela | Venezuela | Venezuela:m | ベネズエラ
Chile | Chile | Chile | Chili:m | チリ
Ecuador | Ecuador | Ecuador | Équateur:m | エクアドル
Bolivia | Bolivien | Bolivia | Bolivie:f | ボリビア
Paraguay | Paraguay | Paraguay | Paraguay:m | パラグアイ
Uruguay | Uruguay | Uruguay | Uruguay:m | ウルグアイ
Australia | Australien | Australia | Australie:f | オーストラリア
New Zealand | Neuseeland | Nueva Zelanda | Nouvelle-Zélande:f | ニュージーランド
Papua New Guinea | Papua-Neuguinea | Papúa Nueva Guinea | Papouasie-Nouvelle-Guinée:f | パプアニューギニア
"""
"""English | German | Spanish | French | Japanese; how each is declined is said by the mark behind it: see grammar."""

CAPITALS = """
Berlin | Berlin | Berlín | Berlin | ベルリン
Paris | Paris | París | Paris | パリ
Madrid | Madrid | Madrid | Madrid | マドリード
Lisbon | Lissabon | Lisboa | Lisbonne | リスボン
Rome | Rom | Roma | Rome | ローマ
Bern | Bern | Berna | Berne | ベルン
Vienna | Wien | Viena | Vienne | ウィーン
Warsaw | Warschau | Varsovia | Varsovie | ワルシャワ
Prague | Prag | Praga | Prague | プラハ
Bratislava | Bratislava | Bratislava | Bratislava | ブラチスラバ
Budapest | Budapest | Budapest | Budapest | ブダペスト
Amsterdam | Amsterdam | Ámsterdam | Amsterdam | アムステルダム
Brussels | Brüssel | Bruselas | Bruxelles | ブリュッセル
Copenhagen | Kopenhagen | Copenhague | Copenhague | コペンハーゲン
Stockholm | Stockholm | Estocolmo | Stockholm | ストックホルム
Oslo | Oslo | Oslo | Oslo | オスロ
Helsinki | Helsinki | Helsinki | Helsinki | ヘルシンキ
London | London | Londres | Londres | ロンドン
Dublin | Dublin | Dublín | Dublin | ダブリン
Bucharest | Bukarest | Bucarest | Bucarest | ブカレスト
Sofia | Sofia | Sofía | Sofia | ソフィア
Athens | Athen | Atenas | Athènes | アテネ
Kyiv | Kiew | Kiev | Kiev | キーウ
Moscow | Moskau | Moscú | Moscou | モスクワ
Ankara | Ankara | Ankara | Ankara | アンカラ
Tehran | Teheran | Teherán | Téhéran | テヘラン
Astana | Astana | Astaná | Astana | アスタナ
Beijing | Peking | Pekín | Pékin | 北京
New Delhi | Neu-Delhi | Nueva Delhi | New Delhi | ニューデリー
Islamabad | Islamabad | Islamabad | Islamabad | イスラマバード
Kathmandu | Kathmandu | Katmandú | Katmandou | カトマンズ
Naypyidaw | Naypyidaw | Naipyidó | Naypyidaw | ネピドー
Bangkok | Bangkok | Bangkok | Bangkok | バンコク
Vientiane | Vientiane | Vientián | Vientiane | ビエンチャン
Phnom Penh | Phnom Penh | Nom Pen | Phnom Penh | プノンペン
Hanoi | Hanoi | Hanói | Hanoï | ハノイ
Jakarta | Jakarta | Yakarta | Jakarta | ジャカルタ
Tokyo | Tokio | Tokio | Tokyo | 東京
Cairo | Kairo | El Cairo | Le Caire | カイロ
Khartoum | Khartum | Jartum | Khartoum | ハルツーム
Juba | Juba | Yuba | Djouba | ジュバ
Addis Ababa | Addis Abeba | Adís Abeba | Addis-Abeba | アディスアベバ
Nairobi | Nairobi | Nairobi | Nairobi | ナイロビ
Kampala | Kampala | Kampala | Kampala | カンパラ
Dodoma | Dodoma | Dodoma | Dodoma | ドドマ
Kinshasa | Kinshasa | Kinsasa | Kinshasa | キンシャサ
N'Djamena | N'Djamena | Yamena | N'Djaména | ンジャメナ
Niamey | Niamey | Niamey | Niamey | ニアメ
Abuja | Abuja | Abuya | Abuja | アブジャ
Algiers | Algier | Argel | Alger | アルジェ
Rabat | Rabat | Rabat | Rabat | ラバト
Pretoria | Pretoria | Pretoria | Pretoria | プレトリア
Washington | Washington | Washington | Washington | ワシントン
Ottawa | Ottawa | Ottawa | Ottawa | オタワ
Mexico City | Mexiko-Stadt | Ciudad de México | Mexico | メキシコシティ
Guatemala City | Guatemala-Stadt | Ciudad de Guatemala | Guatemala-Ville | グアテマラシティ
Havana | Havanna | La Habana | La Havane | ハバナ
Brasília | Brasília | Brasilia | Brasilia | ブラジリア
Buenos Aires | Buenos Aires | Buenos Aires | Buenos Aires | ブエノスアイレス
Bogotá | Bogotá | Bogotá | Bogota | ボゴタ
Lima | Lima | Lima | Lima | リマ
Caracas | Caracas | Caracas | Caracas | カラカス
Santiago | Santiago de Chile | Santiago de Chile | Santiago | サンティアゴ
Quito | Quito | Quito | Quito | キト
Sucre | Sucre | Sucre | Sucre | スクレ
Asunción | Asunción | Asunción | Asuncion | アスンシオン
Montevideo | Montevideo | Montevideo | Montevideo | モンテビデオ
Canberra | Canberra | Camberra | Canberra | キャンベラ
Wellington | Wellington | Wellington | Wellington | ウェリントン
Port Moresby | Port Moresby | Puerto Moresby | Port Moresby | ポートモレスビー
"""
"""English | German | Spanish | French | Japanese."""
