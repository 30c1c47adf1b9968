"""What stands in for Wikipedia in Movie Recommendation: a sentence about each of some films, in our own words.

What the paper's search returned is no part of its data. A question is kept where the table has all eight of its films:
an option of which nothing is known would be told from the others by that alone.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Final

_FILMS: Final = """
Fight Club|1999|David Fincher|dark satirical drama about men who found a secret club for bare-knuckle fights
Raiders of the Lost Ark|1981|Steven Spielberg|adventure in which Indiana Jones races the Nazis for a lost treasure
Blade Runner|1982|Ridley Scott|dark science fiction thriller about a policeman who hunts artificial humans
Reservoir Dogs|1992|Quentin Tarantino|violent crime film about a robbery of diamonds that goes wrong
The Sixth Sense|1999|M. Night Shyamalan|supernatural thriller about a psychologist and a boy who sees the dead
Madagascar 3 Europe's Most Wanted|2012|Eric Darnell|animated comedy for children about zoo animals in a circus
Transamerica|2005|Duncan Tucker|independent comedy drama about a journey of a transgender woman and her son
Moon|2009|Duncan Jones|quiet science fiction drama about a man alone at a lunar mine
Star Wars Episode I - The Phantom Menace|1999|George Lucas|space opera about Jedi knights and the boy Anakin
Independence Day|1996|Roland Emmerich|science fiction blockbuster about an invasion from space
Terminator 2 Judgment Day|1991|James Cameron|science fiction blockbuster about a machine that guards a boy
A Field in England|2013|Ben Wheatley|black-and-white historical psychodrama on a small budget
Green Street Hooligans|2005|Lexi Alexander|drama about violent supporters of an English football club
Guardians of the Galaxy 2|2017|James Gunn|superhero comedy in space, from Marvel's comics
Stargate|1994|Roland Emmerich|science fiction adventure about a gate to another world
The Shawshank Redemption|1994|Frank Darabont|prison drama about hope and a friendship of many years
Dances with Wolves|1990|Kevin Costner|epic western about an officer who lives with the Lakota, best picture of its year
The Fugitive|1993|Andrew Davis|thriller about a doctor on the run who is innocent of a murder
Clear and Present Danger|1994|Phillip Noyce|political thriller with Harrison Ford as Jack Ryan
Enter the Dragon|1973|Robert Clouse|martial arts film with Bruce Lee
Silent Night, Deadly Night|1984|Charles Sellier|slasher film about a killer dressed as Father Christmas
Mrs Doubtfire|1993|Chris Columbus|family comedy about a father who works as a nanny in disguise
The Matrix|1999|Lana and Lilly Wachowski|science fiction blockbuster about a false world made by machines
THX 1138|1971|George Lucas|early science fiction film about an underground state without feelings
Iron Eagle II|1988|Sidney Furie|action film about fighter pilots of two powers
Chocolat|2000|Lasse Hallstrom|romantic drama about a woman who opens a chocolate shop
Forrest Gump|1994|Robert Zemeckis|drama about a simple man in decades of American history, best picture of its year
American Beauty|1999|Sam Mendes|drama about a father in a suburb who breaks out, best picture of its year
The Terminator|1984|James Cameron|science fiction thriller about a machine sent to kill a woman
Toy Story|1995|John Lasseter|animated family comedy about toys that live
Star Wars Episode V - The Empire Strikes Back|1980|Irvin Kershner|space opera in which Luke meets his father
Wild Wild West|1999|Barry Sonnenfeld|western comedy with machines that failed with critics
Dirty Pretty Things|2002|Stephen Frears|British thriller about immigrants at a hotel in London
Logan Lucky|2017|Steven Soderbergh|comedy about brothers who rob a motor race
Batman|1989|Tim Burton|superhero blockbuster with Michael Keaton and Jack Nicholson
Star Wars Episode VI - Return of the Jedi|1983|Richard Marquand|space opera that ends the first trilogy
Back to the Future|1985|Robert Zemeckis|science fiction comedy about a boy who travels thirty years back
The Goods Live Hard, Sell Hard|2009|Neal Brennan|crude comedy about sellers of used cars
Jonah Hex|2010|Jimmy Hayward|western from a comic that failed with critics
Captain America|1990|Albert Pyun|cheap superhero film released on video
The Mask|1994|Chuck Russell|comedy with Jim Carrey about a mask with powers
Jurassic Park|1993|Steven Spielberg|science fiction blockbuster about a park of living dinosaurs
Hulk|2003|Ang Lee|superhero film about a scientist who grows in anger
Footloose|1984|Herbert Ross|musical drama about a town that forbids dancing
The Void|2016|Jeremy Gillespie|horror film about a hospital beset by a cult
Schindler's List|1993|Steven Spielberg|historical drama about a man who saves Jews, best picture of its year
Braveheart|1995|Mel Gibson|epic historical drama about a Scottish rebel, best picture of its year
Akira|1988|Katsuhiro Otomo|Japanese animated science fiction about psychic youths
Seven|1995|David Fincher|dark crime thriller about two detectives and a killer
The Onion Movie|2008|Tom Kuntz|collection of satirical sketches released on video
Evil Dead|2013|Fede Alvarez|horror film about demons in a cabin
Pulp Fiction|1994|Quentin Tarantino|crime film of several linked stories, a great success with critics
Aladdin|1992|Ron Clements|animated musical of Disney about a thief and a genie
The Lion King|1994|Roger Allers|animated musical of Disney about a young lion
The Next Three Days|2010|Paul Haggis|thriller about a teacher who frees his wife from prison
Detachment|2011|Tony Kaye|drama about a substitute teacher
Ruby Sparks|2012|Jonathan Dayton|romantic fantasy about a writer whose heroine lives
Hot Tub Time Machine 2|2015|Steve Pink|crude comedy about travel in time
Morvern Callar|2002|Lynne Ramsay|Scottish drama about a young woman after a death
The Bourne Identity|2002|Doug Liman|spy thriller about an agent without memory
Saving Private Ryan|1998|Steven Spielberg|war drama about soldiers who look for one man after the landing in Normandy
Star Wars Episode IV - A New Hope|1977|George Lucas|space opera that began the series, a blockbuster
Juice|1992|Ernest Dickerson|crime drama about four friends in Harlem
Furious 7|2015|James Wan|action film about drivers of fast cars
Gone Baby Gone|2007|Ben Affleck|crime drama about a search for a girl in Boston
The Dark Knight|2008|Christopher Nolan|dark superhero thriller about Batman, a blockbuster praised by critics
Seven Sisters|2017|Tommy Wirkola|science fiction action film about seven sisters in hiding
Mr Deeds Goes to Town|1936|Frank Capra|old comedy about a heir from the country
Pacific Rim|2013|Guillermo del Toro|science fiction action film about giant robots and monsters
The Silence of the Lambs|1991|Jonathan Demme|thriller about an agent whom a murderer advises, best picture of its year
The Da Vinci Code|2006|Ron Howard|mystery thriller about a secret of the church
Inception|2010|Christopher Nolan|science fiction thriller about thieves in dreams, a blockbuster praised by critics
Identity Thief|2013|Seth Gordon|comedy about a man who chases a swindler
War for the Planet of the Apes|2017|Matt Reeves|science fiction film about apes at war with an army
Fargo|1996|Joel Coen|dark crime comedy about a kidnapping in the snow
Gandhi|1982|Richard Attenborough|long biography of India's leader
Dogfight|1991|Nancy Savoca|small romance about a marine and a waitress
Repo Man|1984|Alex Cox|punk comedy about men who take back cars
Goodfellas|1990|Martin Scorsese|crime drama about the life of gangsters in New York
The Usual Suspects|1995|Bryan Singer|crime thriller with a twist about five criminals
A Clockwork Orange|1971|Stanley Kubrick|dark drama about a violent youth and his cure
London|2005|Hunter Richards|small drama about a man at a farewell party
The Big Chill|1983|Lawrence Kasdan|drama about friends who meet again at a funeral
Casablanca|1942|Michael Curtiz|old romance in wartime Morocco
Trapped in Paradise|1994|George Gallo|comedy about bank robbers at Christmas
Disturbia|2007|D. J. Caruso|thriller about a boy who watches a neighbour
Gremlins 2 The New Batch|1990|Joe Dante|horror comedy about small monsters in a tower
"""

_KNOWN: Final = {
    title: f"{title} is a film of {year} by {director}: a {about}."
    for title, year, director, about in (line.split("|") for line in _FILMS.strip().splitlines())
}
_BY_NAME: Final = {title.casefold(): title for title in _KNOWN}


def is_known(title: str) -> bool:
    """Tell whether the table has a film of exactly this title."""
    return title in _KNOWN


def about_film(title: str) -> str:
    """A sentence about the film whose title is next to this one.

    Raises:
        LookupError: the table has none with such a title.
    """
    near = get_close_matches(title.casefold(), _BY_NAME, n=1, cutoff=0.75)
    if not near:
        raise LookupError(f"no film called {title!r}")
    return _KNOWN[_BY_NAME[near[0]]]
