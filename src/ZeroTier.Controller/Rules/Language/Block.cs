namespace ZeroTier.Controller.Rules.Language;

/// <summary>A block: the words after a keyword up to the semicolon, and nested blocks (docs/protocol/5-http-api.md 5.9.2).</summary>
internal sealed class Block(Word opener)
{
    /// <summary>The keyword that opened the block; the default value for the root.</summary>
    public Word Opener => opener;

    public List<Element> Elements { get; } = [];

    /// <summary>
    /// True when a semicolon directly follows the keyword. The author probably meant to close the block, but in this language an empty
    /// block is not closed, and what follows becomes part of it.
    /// </summary>
    public bool SeemsClosed { get; private set; }

    /// <summary>Parses a text into blocks.</summary>
    public static Block Parse(string source)
    {
        var root = new Block(default);
        var open = new Stack<Block>([root]);
        foreach (Word word in Word.Split(source))
        {
            if (word.Text.Length > 0)
            {
                open.Peek().Elements.Add(new(word, null));
            }

            if (word.Closes && open.Count > 1 && open.Peek().Elements.Count > 0)
            {
                Close(open);
            }
            else if (!word.IsLast && Vocabulary.OpensBlock(word.Text))
            {
                open.Push(new Block(word) { SeemsClosed = word.Closes });
            }
            else if (word.Closes && open.Count > 1)
            {
                open.Peek().SeemsClosed = true;
            }
        }

        while (open.Count > 1)
        {
            Close(open);
        }

        return root;
    }

    private static void Close(Stack<Block> open)
    {
        Block closed = open.Pop();
        if (closed.Elements.Count > 0)
        {
            open.Peek().Elements.Add(new(closed.Opener, closed));
        }
    }
}

/// <summary>A word, or a block. <see cref="Word"/> of a block is its keyword.</summary>
internal readonly record struct Element(Word Word, Block? Block);
