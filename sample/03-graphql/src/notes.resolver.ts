import { Args, Field, ID, Mutation, ObjectType, Query, Resolver } from '@nestjs/graphql';
import { CurrentUser, Fresh, OptionalAuth } from 'nestjs-token';

@ObjectType()
class Note {
  @Field(() => ID)
  id!: string;

  @Field()
  text!: string;

  author!: string;
}

/** Notes, which everybody sees their own of. */
@Resolver(() => Note)
export class NotesResolver {
  private notes: Note[] = [];
  private count = 0;

  @Query(() => [Note])
  myNotes(@CurrentUser('sub') author: string): Note[] {
    return this.notes.filter((note) => note.author === author);
  }

  @Mutation(() => Note)
  addNote(@Args('text') text: string, @CurrentUser('sub') author: string): Note {
    const note = { id: String((this.count += 1)), text, author };
    this.notes.push(note);
    return note;
  }

  /** Needs a sign-in within the last five minutes. */
  @Mutation(() => Boolean)
  @Fresh('5m')
  deleteAllNotes(@CurrentUser('sub') author: string): boolean {
    this.notes = this.notes.filter((note) => note.author !== author);
    return true;
  }

  /** Open to everybody, and knows those who have signed in. */
  @Query(() => String)
  @OptionalAuth()
  greeting(@CurrentUser('sub') name?: string): string {
    return `Hello, ${name ?? 'stranger'}!`;
  }
}
