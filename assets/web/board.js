// The board: where every picture lies, and what each move does to it.
//
// The same rules as the program's own (src/sorting), so that a move shows at once and a lost connection stops nobody.
// The moves are what is stored; the program makes them again and has the last word. Pictures are numbers from 1, in the
// rater's own order. A test plays random moves on both and compares.

const LONGEST_NAME = 200;
const WORDS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

/** What is wrong with a name, by the rule of src/names.rs. */
function nameProblem(name) {
  const characters = [...name].length;
  if (/[\n\r\u2028\u2029]/.test(name)) return "it has a line break";
  if (/\p{Cc}/u.test(name)) return "it has a control character";
  if (characters > LONGEST_NAME) return `it has ${characters} characters, more than ${LONGEST_NAME}`;
  return null;
}

/** Small numbers as words, others as digits. */
const word = (number) => WORDS[number] ?? String(number);

/** A move that makes no sense now; the message is for the rater. */
export class Refused extends Error {}

const refuse = (words) => {
  throw new Refused(words);
};

/** One rater's sort: the board, with the way back and forth. */
export class Sort {
  constructor(pictures, rules) {
    this.pictures = pictures;
    this.rules = rules;
    this.done = [];
    this.undone = [];
    this.moves = 0;
    this.#begin();
  }

  #begin() {
    this.tray = Array.from({ length: this.pictures }, (_, at) => at + 1);
    this.piles = [];
    this.leftOut = [];
    this.lastPile = 0;
    for (const name of this.rules.given_groups) {
      this.piles.push({ id: ++this.lastPile, name, given: true, images: [] });
    }
  }

  get canUndo() {
    return this.done.length > 0 && this.done.at(-1).move !== "arrange";
  }

  get canRedo() {
    return this.undone.length > 0;
  }

  pile(id) {
    return this.piles.find((pile) => pile.id === id);
  }

  pileOf(image) {
    return this.piles.find((pile) => pile.images.includes(image));
  }

  /** Makes a move, all of it or none. */
  make(step) {
    if (step.move === "undo") {
      if (!this.canUndo) refuse("there is nothing to undo");
      this.undone.push(this.done.pop());
      this.#begin();
      for (const done of this.done) this.#step(done);
    } else if (step.move === "redo") {
      if (!this.canRedo) refuse("there is nothing to do again");
      const again = this.undone.at(-1);
      this.#wholly(again);
      this.undone.pop();
      this.done.push(again);
    } else {
      if (step.move === "arrange" && this.moves > 0) refuse("a sort can be arranged only before its first move");
      this.#wholly(step);
      this.done.push(step);
      this.undone = [];
    }
    this.moves += 1;
  }

  /** A step is refused before it changes anything. */
  #wholly(step) {
    this.#check(step);
    this.#step(step);
  }

  #check(step) {
    const { images } = step;
    switch (step.move) {
      case "place": {
        this.#checkImages(images);
        const pile = this.#require(step.pile);
        if (images.every((image) => pile.images.includes(image))) refuse("these pictures are in that group already");
        break;
      }
      case "new_pile":
        if (!this.rules.own_groups) refuse("no groups can be added here: use the ones that are there");
        if (images.length > 0) this.#checkImages(images);
        break;
      case "take_back":
        this.#checkImages(images);
        if (images.every((image) => this.tray.includes(image))) refuse("these pictures have no group yet");
        break;
      case "leave_out":
        if (!this.rules.leave_out) refuse("no picture may be left out here: each needs a group");
        this.#checkImages(images);
        if (images.every((image) => this.leftOut.includes(image))) refuse("these pictures are left out already");
        break;
      case "merge":
        this.#require(step.into);
        this.#require(step.from);
        if (step.from === step.into) refuse("a group cannot be put on itself");
        break;
      case "rename": {
        const name = step.name.trim();
        const problem = nameProblem(name);
        if (problem) refuse(`the group's name is not taken: ${problem}`);
        if (this.#require(step.pile).given) refuse("this group's name is given and stays");
        break;
      }
      case "reorder":
        this.#require(step.pile);
        break;
      case "take_apart": {
        const pile = this.#require(step.pile);
        if (pile.given && pile.images.length === 0) refuse("this group is given and stays");
        break;
      }
      case "arrange":
        this.#checkImages(step.piles.flatMap((pile) => pile.images).concat(step.left_out));
        break;
      default:
        refuse("that is no move");
    }
  }

  #require(id) {
    return this.pile(id) ?? refuse("that group is not there any more");
  }

  #checkImages(images) {
    if (images.length === 0) refuse("no picture was chosen");
    for (const image of images) {
      if (!(image >= 1 && image <= this.pictures)) refuse("that picture is not part of this sort");
    }
    if (new Set(images).size !== images.length) refuse("a picture was named twice");
  }

  #step(step) {
    const sorted = (images) => images.sort((a, b) => a - b);
    switch (step.move) {
      case "place": {
        const pile = this.pile(step.pile);
        const moved = step.images.filter((image) => !pile.images.includes(image));
        this.#take(moved, step.pile);
        pile.images.push(...moved);
        break;
      }
      case "new_pile": {
        this.#take(step.images);
        const to = Math.min(step.to ?? this.piles.length, this.piles.length);
        this.piles.splice(to, 0, { id: ++this.lastPile, name: "", given: false, images: [...step.images] });
        break;
      }
      case "take_back":
        this.#take(step.images);
        this.tray.push(...step.images);
        sorted(this.tray);
        break;
      case "leave_out":
        this.#take(step.images);
        this.leftOut.push(...step.images);
        sorted(this.leftOut);
        break;
      case "merge": {
        const [from, into] = [this.pile(step.from), this.pile(step.into)];
        into.images.push(...from.images);
        if (from.given) {
          from.images = [];
        } else {
          this.piles = this.piles.filter((pile) => pile !== from);
          if (into.name === "") into.name = from.name;
        }
        break;
      }
      case "rename":
        this.pile(step.pile).name = step.name.trim();
        break;
      case "reorder": {
        const from = this.piles.findIndex((pile) => pile.id === step.pile);
        const [moved] = this.piles.splice(from, 1);
        this.piles.splice(Math.min(step.to, this.piles.length), 0, moved);
        break;
      }
      case "take_apart": {
        const pile = this.pile(step.pile);
        this.tray.push(...pile.images);
        sorted(this.tray);
        if (pile.given) pile.images = [];
        else this.piles = this.piles.filter((other) => other !== pile);
        break;
      }
      case "arrange":
        this.#take(step.piles.flatMap((pile) => pile.images).concat(step.left_out));
        for (const { name, images } of step.piles) {
          const given = this.piles.find((pile) => pile.given && pile.name === name);
          if (given) given.images.push(...images);
          else this.piles.push({ id: ++this.lastPile, name, given: false, images: [...images] });
        }
        this.leftOut.push(...step.left_out);
        sorted(this.leftOut);
        break;
    }
  }

  /** Takes pictures from wherever they lie. A pile that loses its last one is gone, unless it is given or `keep`. */
  #take(images, keep) {
    const gone = new Set(images);
    const stays = (image) => !gone.has(image);
    this.tray = this.tray.filter(stays);
    this.leftOut = this.leftOut.filter(stays);
    this.piles = this.piles.filter((pile) => {
      const before = pile.images.length;
      pile.images = pile.images.filter(stays);
      return pile.images.length > 0 || before === 0 || pile.given || pile.id === keep;
    });
  }

  /** What still breaks the rules: each with words, and the piles it is about. */
  breaches() {
    const { fewest_groups: fewest, most_groups: most, smallest_group: smallest, largest_group: largest } = this.rules;
    const filled = this.piles.filter((pile) => pile.images.length > 0);
    const ids = (piles) => piles.map((pile) => pile.id);
    const [left, groups] = [this.tray.length, filled.length];
    const breaches = [];
    const add = (words, piles = []) => breaches.push({ words, piles: ids(piles) });
    const s = (count) => (count === 1 ? "picture" : "pictures");
    const have = (piles) => (piles.length === 1 ? "one group has" : `${word(piles.length)} groups have`);
    if (left === 1) add("one picture has no group yet");
    else if (left > 1) add(`${word(left)} pictures have no group yet`);
    if (fewest != null && groups < fewest) add(`${groups} of ${fewest} groups`);
    else if (most != null && groups > most) {
      add(groups - most === 1 ? `${groups} groups, one more than ${most}` : `${groups} groups, ${word(groups - most)} more than ${most}`);
    } else if (fewest == null && groups === 0 && this.tray.length === 0) add("0 of 1 groups");
    const small = filled.filter((pile) => pile.images.length < smallest);
    if (small.length > 0) add(`${have(small)} fewer than ${word(smallest)} ${s(smallest)}`, small);
    const big = largest == null ? [] : filled.filter((pile) => pile.images.length > largest);
    if (big.length > 0) add(`${have(big)} more than ${word(largest)} ${s(largest)}`, big);
    const empty = this.piles.filter((pile) => pile.images.length === 0 && !pile.given);
    if (empty.length === 1) add("one group is empty", empty);
    else if (empty.length > 1) add(`${word(empty.length)} groups are empty`, empty);
    return breaches;
  }
}
